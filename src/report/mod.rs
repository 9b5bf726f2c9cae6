//! What a command found, as plain data, and its verdict. No colour, no layout: `render` decides how it looks, nothing else.

pub mod decode;
pub mod text;

pub use text::Text;
