//! Where the machine's own `protoc` is. RMQTT's Raft asks the crate `protobuf-src` for one, which builds all of protobuf
//! from its C++ sources.

use std::path::PathBuf;

/// Gives the program: that of the environment's `PROTOC`, or the one on the path.
pub fn protoc() -> PathBuf {
    std::env::var_os("PROTOC").map_or_else(|| "protoc".into(), PathBuf::from)
}

/// Gives the folder of its own descriptions; Debian's package puts them here.
pub fn include() -> PathBuf {
    "/usr/include".into()
}
