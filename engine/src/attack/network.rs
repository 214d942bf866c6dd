//! Who can send packets to whom.
