use rmp::encode;

const INFALLIBLE: &str = "writing into a Vec cannot fail";

/// Writes MessagePack into a buffer.
#[derive(Debug)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity) }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The head of a map; `entries` keys and values must follow.
    pub(crate) fn map(&mut self, entries: usize) {
        encode::write_map_len(&mut self.bytes, length(entries)).expect(INFALLIBLE);
    }

    /// The head of an array; `items` values must follow.
    pub(crate) fn array(&mut self, items: usize) {
        encode::write_array_len(&mut self.bytes, length(items)).expect(INFALLIBLE);
    }

    pub(crate) fn str(&mut self, text: &str) {
        encode::write_str(&mut self.bytes, text).expect(INFALLIBLE);
    }

    pub(crate) fn uint(&mut self, value: u64) {
        encode::write_uint(&mut self.bytes, value).expect(INFALLIBLE);
    }

    pub(crate) fn int(&mut self, value: i64) {
        encode::write_sint(&mut self.bytes, value).expect(INFALLIBLE);
    }

    pub(crate) fn bool(&mut self, value: bool) {
        encode::write_bool(&mut self.bytes, value).expect(INFALLIBLE);
    }

    pub(crate) fn str_entry(&mut self, key: &str, text: &str) {
        self.str(key);
        self.str(text);
    }

    pub(crate) fn uint_entry(&mut self, key: &str, value: u64) {
        self.str(key);
        self.uint(value);
    }

    pub(crate) fn bool_entry(&mut self, key: &str, value: bool) {
        self.str(key);
        self.bool(value);
    }
}

fn length(count: usize) -> u32 {
    u32::try_from(count).expect("no message has 2^32 parts")
}
