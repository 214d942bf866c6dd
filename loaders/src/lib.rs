//! Untrusted bytes in, facts out.
