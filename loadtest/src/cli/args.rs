//! What can be typed. The help texts are the manual's short form.

use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;

/// A fleet of phones for any Exchange ActiveSync server, that tells the truth.
#[derive(Parser, Debug)]
#[command(name = "roost-load", version, max_term_width = 100)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The subcommands.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Run the scenario of a file
    Run {
        /// The scenario (TOML)
        file: PathBuf,
        #[command(flatten)]
        flags: Flags,
    },
    /// A few devices of every family do a little of everything (against `roost demo` as it is)
    Smoke(Flags),
    /// Many devices wait and hardly anything happens
    Park(Flags),
    /// Mails come one by one while many devices wait
    Trickle(Flags),
    /// Everybody gets a mail at once
    Storm(Flags),
    /// All devices lose their connections and come back at once
    Reconnect(Flags),
    /// New devices arrive and sync everything
    FirstSync(Flags),
    /// People at work, with a network that has its moods
    Workday(Flags),
    /// An office, for a long time
    Soak(Flags),
    /// Wait for a controller (a run with --agents), and play the part that it gives
    Agent(AgentFlags),
    /// Show the text of a shipped scenario, to begin one of your own
    Scenario {
        /// Its name; none: all names
        name: Option<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// The report of a run once more
    Show {
        /// The run (run.json)
        run: PathBuf,
        /// Write the page there instead of a summary here
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
        /// The run itself, as JSON
        #[arg(long)]
        json: bool,
    },
    /// Several runs side by side
    Compare {
        /// The runs (run.json), the first is what the others are held against
        #[arg(required = true, num_args = 2..)]
        runs: Vec<PathBuf>,
        /// Write a page there, too
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
    },
}

/// What every run takes; what is not said is as the scenario has it.
#[derive(Args, Debug, Clone)]
pub(crate) struct Flags {
    /// The server; several addresses of one service, parted by commas, are dealt to the agents
    #[arg(
        long,
        value_name = "URL",
        default_value = "https://127.0.0.1:8443",
        value_delimiter = ','
    )]
    pub(crate) server: Vec<String>,
    /// Where mail goes in by LMTP; several, parted by commas, are dealt to the agents
    #[arg(
        long,
        value_name = "ADDR",
        default_value = "127.0.0.1:2424",
        value_delimiter = ',',
        conflicts_with_all = ["smtp", "imap"]
    )]
    pub(crate) lmtp: Vec<SocketAddr>,
    /// Where mail goes in by SMTP instead
    #[arg(
        long,
        value_name = "ADDR",
        value_delimiter = ',',
        conflicts_with = "imap"
    )]
    pub(crate) smtp: Vec<SocketAddr>,
    /// Where users put mail into their own INBOX instead: ADDR, imap://HOST or imaps://HOST
    #[arg(long, value_name = "URL")]
    pub(crate) imap: Option<String>,
    /// Where calendars are, such as https://HOST/SOGo/dav/{user}/Calendar/personal/
    #[arg(long, value_name = "URL")]
    pub(crate) caldav: Option<String>,
    /// Where contacts are, such as https://HOST/SOGo/dav/{user}/Contacts/personal/
    #[arg(long, value_name = "URL")]
    pub(crate) carddav: Option<String>,
    /// No mail from outside
    #[arg(long)]
    pub(crate) no_mail: bool,
    /// Touch a server that is not on this machine, without asking
    #[arg(long)]
    pub(crate) yes: bool,
    /// Take any certificate (on loopback any is taken)
    #[arg(long)]
    pub(crate) insecure: bool,
    /// Trusted certificates (PEM) [default: those of this system]
    #[arg(long, value_name = "FILE")]
    pub(crate) roots: Option<PathBuf>,
    /// TLS 1.2 only
    #[arg(long)]
    pub(crate) tls12: bool,
    /// Devices
    #[arg(long, value_name = "N")]
    pub(crate) devices: Option<u32>,
    /// Users; devices are dealt to them in turn
    #[arg(long, value_name = "N")]
    pub(crate) users: Option<u32>,
    /// Log-in name and address; {n} is the number of the user
    #[arg(long, value_name = "PATTERN")]
    pub(crate) name: Option<String>,
    /// Mail address, where it is not the log-in name
    #[arg(long, value_name = "PATTERN")]
    pub(crate) address: Option<String>,
    /// Password; {n} is the number of the user
    #[arg(long, value_name = "PATTERN")]
    pub(crate) password: Option<String>,
    /// One user, as NAME:PASSWORD; may be given several times
    #[arg(long, value_name = "NAME:PASSWORD")]
    pub(crate) user: Vec<String>,
    /// How long, such as 90s, 10m, 72h
    #[arg(long, value_name = "TIME")]
    pub(crate) duration: Option<String>,
    /// What all dice come from
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Seconds that a waiting request asks for
    #[arg(long, value_name = "SECONDS")]
    pub(crate) heartbeat: Option<u32>,
    /// New connections each second
    #[arg(long, value_name = "N")]
    pub(crate) connect_rate: Option<f64>,
    /// Mails each second
    #[arg(long, value_name = "N")]
    pub(crate) mail_rate: Option<f64>,
    /// No TLS session is resumed
    #[arg(long)]
    pub(crate) no_resume: bool,
    /// Source addresses: one, a range (127.0.0.1-127.0.0.18) or a network (127.0.0.0/18)
    #[arg(long, value_name = "ADDRS")]
    pub(crate) source: Option<String>,
    /// Threads of the fleet [default: one per core]
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) threads: usize,
    /// Agents that share the work, parted by commas, each as it says when it starts
    #[arg(
        long,
        value_name = "HOST:PORT#FINGERPRINT",
        value_delimiter = ',',
        conflicts_with = "agents_local"
    )]
    pub(crate) agents: Vec<String>,
    /// So many agents of this machine share the work; they are started and ended with the run
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(crate) agents_local: Option<u32>,
    /// The agents' token [default: ROOST_LOAD_TOKEN of the environment]
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// The server's process, if it runs here; several, parted by commas, count together
    #[arg(
        long,
        value_name = "PID",
        value_delimiter = ',',
        conflicts_with = "cgroup"
    )]
    pub(crate) pid: Vec<u32>,
    /// The server's control group, if it runs here as many processes
    #[arg(long, value_name = "DIR")]
    pub(crate) cgroup: Option<PathBuf>,
    /// A demand more, such as "push p99=250 ms"; may be given several times
    #[arg(long, value_name = "MEASURE=MOST")]
    pub(crate) demand: Vec<String>,
    /// What the server is, where its Server header does not tell
    #[arg(long, value_name = "TEXT")]
    pub(crate) software: Option<String>,
    /// Where the report goes [default: roost-load-SCENARIO]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// The run as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
    /// Nothing while it runs
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// What an agent takes.
#[derive(Args, Debug, Clone)]
pub(crate) struct AgentFlags {
    /// Where it waits; beyond loopback it needs a token
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7424")]
    pub(crate) listen: SocketAddr,
    /// The token that a controller has to show [default: ROOST_LOAD_TOKEN of the environment]
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// End after one run
    #[arg(long)]
    pub(crate) once: bool,
    /// Nothing of runs that went well
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// End when standard input does
    #[arg(long)]
    pub(crate) until_eof: bool,
    /// Its source addresses, whatever the controller says
    #[arg(long, value_name = "ADDRS")]
    pub(crate) source: Option<String>,
}
