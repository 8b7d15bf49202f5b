use std::fmt;

use thiserror::Error;

/// CURVE keys: whoever listens proves that it has the system's secret, and everything on the wire is
/// encrypted.
#[derive(Clone)]
pub struct CurveKeys {
    system_public: [u8; 32],
    system_secret: Option<[u8; 32]>,
    own_public: [u8; 32],
    own_secret: [u8; 32],
}

/// Why keys cannot be used.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum CurveError {
    /// The system's libzmq was built without CURVE: going on would mean going on in the clear.
    #[error("keys are configured, but this libzmq has no CURVE")]
    Unsupported,
    /// Not 40 characters of Z85.
    #[error("the {0} key is not 40 characters of Z85")]
    BadKey(&'static str),
    /// No key pair could be made for this process.
    #[error("cannot make a key pair: {0}")]
    NoKeyPair(String),
}

impl CurveKeys {
    /// For services: the system's key pair, in Z85. They listen and connect with it.
    ///
    /// # Errors
    /// [`CurveError::BadKey`].
    pub fn service(public: &str, secret: &str) -> Result<Self, CurveError> {
        let public = decode(public, "public")?;
        let secret = decode(secret, "secret")?;
        Ok(Self {
            system_public: public,
            system_secret: Some(secret),
            own_public: public,
            own_secret: secret,
        })
    }

    /// For clients: the system's public key, in Z85. They cannot listen; their own key pair is made here and
    /// lives as long as the process.
    ///
    /// # Errors
    /// [`CurveError::BadKey`], or no pair could be made.
    pub fn client(system_public: &str) -> Result<Self, CurveError> {
        let system_public = decode(system_public, "public")?;
        if !supported() {
            return Err(CurveError::Unsupported);
        }
        let own = zmq::CurveKeyPair::new().map_err(|error| CurveError::NoKeyPair(error.to_string()))?;
        Ok(Self {
            system_public,
            system_secret: None,
            own_public: own.public_key,
            own_secret: own.secret_key,
        })
    }

    pub(super) fn system_secret(&self) -> Option<&[u8; 32]> {
        self.system_secret.as_ref()
    }

    pub(super) fn set_listening(&self, socket: &zmq::Socket, secret: &[u8; 32]) -> zmq::Result<()> {
        socket.set_curve_server(true)?;
        socket.set_curve_secretkey(secret)
    }

    pub(super) fn set_connecting(&self, socket: &zmq::Socket) -> zmq::Result<()> {
        socket.set_curve_server(false)?;
        socket.set_curve_serverkey(&self.system_public)?;
        socket.set_curve_publickey(&self.own_public)?;
        socket.set_curve_secretkey(&self.own_secret)
    }
}

impl fmt::Debug for CurveKeys {
    /// Never shows a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let public = zmq::z85_encode(&self.system_public).unwrap_or_default();
        f.debug_struct("CurveKeys").field("system_public", &public).finish_non_exhaustive()
    }
}

/// Whether this libzmq can encrypt.
pub(super) fn supported() -> bool {
    zmq::has("curve") == Some(true)
}

fn decode(text: &str, which: &'static str) -> Result<[u8; 32], CurveError> {
    let text = text.trim();
    let bytes = zmq::z85_decode(text).map_err(|_| CurveError::BadKey(which))?;
    // The zmq crate takes libzmq's refusal of a character for a key of zeros.
    if !zmq::z85_encode(&bytes).is_ok_and(|again| again == text) {
        return Err(CurveError::BadKey(which));
    }
    bytes.try_into().map_err(|_| CurveError::BadKey(which))
}
