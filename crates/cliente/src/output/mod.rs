//! How notices are told: in sentences for people, or as JSON for programs.

pub(crate) mod clean;
mod json;
mod paint;
mod text;

pub(crate) use self::paint::Paint;
pub(crate) use self::text::Text;
use crate::controller::Notice;

/// One of the two.
#[derive(Clone, Debug)]
pub(crate) enum OutputFormat {
    Text(Text),
    Json,
}

impl OutputFormat {
    /// One or more lines, without the last line's end; `None` for what this format does not tell.
    pub(crate) fn tell(&self, notice: &Notice, me: Option<&str>) -> Option<String> {
        match self {
            Self::Text(text) => text.tell(notice, me),
            Self::Json => json::tell(notice),
        }
    }
}
