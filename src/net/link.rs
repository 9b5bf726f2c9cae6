//! Link layers down to the network layer.
