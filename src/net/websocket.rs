//! WebSocket frames put together.
