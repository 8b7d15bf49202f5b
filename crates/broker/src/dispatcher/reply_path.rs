use papo_transport::Frames;

/// The most routing frames a request may bring. A REQ socket brings two (its id and the delimiter), a correlating one three, and
/// each device on the way one more.
const MOST_FRAMES: usize = 8;

/// The frames that lead an answer back to who asked: everything in front of a request's payload, untouched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReplyPath(Frames);

/// Why a message of the client side is not a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BadFrames {
    /// Its shape is wrong, but it says where an error can be sent.
    Answerable(ReplyPath),
    /// Nobody to answer.
    Nameless,
}

impl ReplyPath {
    /// Takes a message of a ROUTER socket apart into the way back and the payload.
    ///
    /// The way back ends with the first empty frame, and exactly one frame must follow it. Where there is none, whatever is
    /// in front of the last frame is taken as the way back, for the error only.
    pub(crate) fn split(mut frames: Frames) -> Result<(Self, Vec<u8>), BadFrames> {
        let Some(delimiter) = frames.iter().take(MOST_FRAMES).position(Vec::is_empty) else {
            return Err(Self::without_delimiter(frames));
        };
        match frames.len() - (delimiter + 1) {
            1 if delimiter > 0 => {
                let payload = frames.pop().expect("a frame was counted behind the delimiter");
                Ok((Self(frames), payload))
            }
            _ => {
                frames.truncate(delimiter + 1);
                Err(Self::answerable(frames))
            }
        }
    }

    /// The id that the ROUTER gave to the connection.
    pub(crate) fn connection(&self) -> &[u8] {
        &self.0[0]
    }

    /// Bytes held by this path.
    pub(crate) fn bytes(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    /// The message that brings `payload` to who asked.
    pub(crate) fn answer(mut self, payload: Vec<u8>) -> Frames {
        self.0.push(payload);
        self.0
    }

    fn without_delimiter(mut frames: Frames) -> BadFrames {
        if frames.len() > MOST_FRAMES {
            return BadFrames::Nameless;
        }
        // A DEALER that puts no delimiter before its payload reads none in front of the answer either.
        frames.truncate(1);
        Self::answerable(frames)
    }

    fn answerable(frames: Frames) -> BadFrames {
        match frames.first() {
            Some(id) if !id.is_empty() => BadFrames::Answerable(Self(frames)),
            _ => BadFrames::Nameless,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(parts: &[&str]) -> Frames {
        parts.iter().map(|part| part.as_bytes().to_vec()).collect()
    }

    #[test]
    fn the_frames_of_req_correlating_req_and_devices_are_kept_for_the_answer() {
        for way in [&["id", ""][..], &["id", "0007", ""], &["device", "id", "0007", ""]] {
            let mut message = frames(way);
            message.push(b"payload".to_vec());
            let (path, payload) = ReplyPath::split(message).unwrap();
            assert_eq!(payload, b"payload");
            assert_eq!(path.connection(), way[0].as_bytes());
            let mut answer = frames(way);
            answer.push(b"answer".to_vec());
            assert_eq!(path.answer(b"answer".to_vec()), answer);
        }
    }

    #[test]
    fn an_empty_payload_is_a_payload() {
        let (_, payload) = ReplyPath::split(frames(&["id", "", ""])).unwrap();
        assert_eq!(payload, b"");
    }

    #[test]
    fn too_few_and_too_many_frames_are_answerable_in_the_shape_they_came_in() {
        let cases: [(&[&str], &[&str]); 4] = [
            (&["id"], &["id"]),
            (&["id", "payload"], &["id"]),
            (&["id", ""], &["id", ""]),
            (&["id", "", "one", "two"], &["id", ""]),
        ];
        for (message, way) in cases {
            assert_eq!(ReplyPath::split(frames(message)), Err(BadFrames::Answerable(ReplyPath(frames(way)))));
        }
    }

    #[test]
    fn a_message_without_a_name_or_with_an_endless_path_reaches_nobody() {
        assert_eq!(ReplyPath::split(vec![]), Err(BadFrames::Nameless));
        assert_eq!(ReplyPath::split(frames(&["", "payload"])), Err(BadFrames::Nameless));
        assert_eq!(ReplyPath::split(frames(&["x"; 40])), Err(BadFrames::Nameless));
    }
}
