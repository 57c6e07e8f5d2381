//! The server through a real socket.

mod harness;
mod sites;
