//! What every engine does, as a trait, for the suite that all of them have to pass. The running
//! server holds a [`Store`], whose methods are documented there.

use std::ops::Range;

use super::{
    Answer, Batch, BlobId, Bytes, CommitError, Committed, Error, Fjall, Memory, Read, Store, Wake,
};

/// An ordered key-value engine.
pub trait Engine: Clone + Send + Sync + 'static {
    /// See [`Store::read`].
    fn read(&self, reads: &[Read<'_>]) -> impl Future<Output = Result<Vec<Answer>, Error>> + Send;

    /// See [`Store::commit`].
    fn commit(&self, batch: Batch) -> impl Future<Output = Result<Committed, CommitError>> + Send;

    /// See [`Store::commit_with_blob`].
    fn commit_with_blob(
        &self,
        batch: Batch,
        body: &[u8],
    ) -> impl Future<Output = Result<Committed, CommitError>> + Send;

    /// See [`Store::wakes`].
    fn wakes(&self) -> flume::Receiver<Wake>;

    /// See [`Store::put_blob`].
    fn put_blob(&self, body: &[u8]) -> impl Future<Output = Result<BlobId, Error>> + Send;

    /// See [`Store::get_blob`].
    fn get_blob(
        &self,
        id: BlobId,
        range: Range<u64>,
    ) -> impl Future<Output = Result<Bytes, Error>> + Send;

    /// See [`Store::poisoned`].
    fn poisoned(&self) -> flume::Receiver<String>;
}

macro_rules! engine {
    ($name:ident) => {
        impl Engine for $name {
            async fn read(&self, reads: &[Read<'_>]) -> Result<Vec<Answer>, Error> {
                Self::read(self, reads).await
            }

            async fn commit(&self, batch: Batch) -> Result<Committed, CommitError> {
                Self::commit(self, batch).await
            }

            async fn commit_with_blob(
                &self,
                batch: Batch,
                body: &[u8],
            ) -> Result<Committed, CommitError> {
                Self::commit_with_blob(self, batch, body).await
            }

            fn wakes(&self) -> flume::Receiver<Wake> {
                Self::wakes(self)
            }

            async fn put_blob(&self, body: &[u8]) -> Result<BlobId, Error> {
                Self::put_blob(self, body).await
            }

            async fn get_blob(&self, id: BlobId, range: Range<u64>) -> Result<Bytes, Error> {
                Self::get_blob(self, id, range).await
            }

            fn poisoned(&self) -> flume::Receiver<String> {
                Self::poisoned(self)
            }
        }
    };
}

engine!(Memory);
engine!(Fjall);
engine!(Store);
