use std::path::PathBuf;

use papo_service::{Mistake, Settings};
use papo_transport::HostPort;
use papo_wire::names;

/// Talk in Papo: channels and private messages, at a terminal or in a script.
///
/// At a terminal it edits lines, completes with Tab, and prints what arrives above the line being typed. Every message you
/// send is marked: … on its way, ✓ stored on the disks of a majority, ✗ not sent, ? nobody knows (it may or may not be
/// there). When the connection is lost it says so, tries every broker and proxy, and then shows what you missed, once and
/// in order. What you type, besides talking in the current channel: login, listar, canais, canal, entrar, sair-do-canal,
/// publish, msg, historico, ajuda, sair (`ajuda` tells more).
///
/// Without a terminal it reads the same commands, one a line, waits for the end of each, and prints lines. At the end of its
/// input it ends: with 1 if a command did not succeed. With --stay it goes on listening instead.
///
/// Your login survives restarts: the session is kept in the state directory, readable by you only, with how far you have read.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "cliente", version, after_long_help = AFTER)]
pub(crate) struct ClienteSettings {
    /// Brokers, as host:port; several separated by commas. All addresses of each name are used, one after the other
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:5557", value_delimiter = ',')]
    pub(crate) broker: Vec<HostPort>,
    /// Proxies, as host:port; several separated by commas. All addresses of each name are listened to
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:5556", value_delimiter = ',')]
    pub(crate) proxy: Vec<HostPort>,
    /// Log in under this name at once. Without it, whoever was here when the last run was interrupted comes back
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// Enter this channel after the login; it is created if there is none
    #[arg(long, value_name = "NAME")]
    pub(crate) channel: Option<String>,
    /// Directory for sessions and typed lines [default: $XDG_STATE_HOME/papo, or ~/.local/state/papo]
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// Never end by itself: `sair`, Ctrl-C and Ctrl-D lead back to the login prompt, and the end of the input is waited out
    #[arg(long)]
    pub(crate) stay: bool,
    /// Print one JSON object a line instead of text (see below), also at a terminal
    #[arg(long)]
    pub(crate) json: bool,
}

const AFTER: &str = "\
Examples:
  cliente                                     talk to `papo local` on this machine
  cliente --user ana --channel geral          log in and enter a channel at once
  cliente --broker broker:5557 --proxy proxy:5556 --stay
                                              what a pod runs: `kubectl attach -it`
  printf 'publish geral bom dia\\n' | cliente --user ana
  cliente --user ana --channel geral --json --stay </dev/null | jq -r '.text // empty'

JSON events (--json): each has `event`, and
  connected, lost     the chat answers; it has not for some seconds
  login, logout       user
  joined, left        channel: its messages are shown from now on; no longer
  entered             channel: talk goes there now
  message             index, channel or to, from, text, timestamp, clock, missed (it
                      is shown late), own, and request_id if it is known
  caught_up           index, missed: all up to index was shown, so many of it late
  pending             request_id, service, channel or to, text: sent, not answered
  answer              request_id, service, index, outcome: stored, refused, unknown
                      or failed; unless stored reason and description; of a message
                      also channel or to, and text
  users, channels     users; channels: lists of names
  history             channel or with, messages (as above), more (there are older)
  estranged           reason, description: the session is no good any more
  error               text: a line that could not be carried out

Colours are used on a terminal only, and not if NO_COLOR is set.";

impl Settings for ClienteSettings {
    fn mistakes(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        if let Some(Err(error)) = self.user.as_deref().map(names::parse) {
            mistakes.push(Mistake::new("user", error.to_string()));
        }
        if let Some(Err(error)) = self.channel.as_deref().map(names::parse) {
            mistakes.push(Mistake::new("channel", error.to_string()));
        }
        mistakes
    }
}
