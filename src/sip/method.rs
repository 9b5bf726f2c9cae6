//! The table of methods.

macro_rules! methods {
    ($($variant:ident $text:literal $rule:literal,)+) => {
        /// A SIP method.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Method {
            $(#[doc = $rule] $variant,)+
            /// Any other: an extension method, or none.
            Other,
        }

        impl Method {
            /// Every registered method, in the order of the table.
            pub const ALL: &'static [Method] = &[$(Method::$variant,)+];

            /// The method spelled so. Methods are case-sensitive (RFC 3261 §7.1): `invite` is [`Method::Other`].
            #[inline]
            #[must_use]
            pub fn of(text: &[u8]) -> Method {
                $(const $variant: &[u8] = $text.as_bytes();)+
                match text {
                    $($variant => Method::$variant,)+
                    _ => Method::Other,
                }
            }

            /// As it stands on the wire; empty for [`Method::Other`].
            #[must_use]
            pub fn text(self) -> &'static str {
                match self {
                    $(Method::$variant => $text,)+
                    Method::Other => "",
                }
            }

            /// The section that defines it; empty for [`Method::Other`].
            #[must_use]
            pub fn rule(self) -> &'static str {
                match self {
                    $(Method::$variant => $rule,)+
                    Method::Other => "",
                }
            }
        }
    };
}

#[allow(non_upper_case_globals)]
mod table {
    methods! {
        Invite "INVITE" "RFC 3261 §13",
        Ack "ACK" "RFC 3261 §17.1.1.3",
        Bye "BYE" "RFC 3261 §15",
        Cancel "CANCEL" "RFC 3261 §9",
        Options "OPTIONS" "RFC 3261 §11",
        Register "REGISTER" "RFC 3261 §10",
        Prack "PRACK" "RFC 3262 §6",
        Subscribe "SUBSCRIBE" "RFC 6665 §8.1.1",
        Notify "NOTIFY" "RFC 6665 §8.1.2",
        Publish "PUBLISH" "RFC 3903 §11.1",
        Info "INFO" "RFC 6086 §4.1",
        Refer "REFER" "RFC 3515 §2.1",
        Message "MESSAGE" "RFC 3428 §4",
        Update "UPDATE" "RFC 3311 §4",
    }
}

pub use table::Method;

#[cfg(test)]
mod tests {
    use super::Method;

    #[test]
    fn a_method_is_known_by_its_exact_spelling() {
        assert_eq!(Method::of(b"INVITE"), Method::Invite);
        assert_eq!(Method::of(b"PRACK"), Method::Prack);
        assert_eq!(Method::of(b"invite"), Method::Other);
        assert_eq!(Method::of(b"INVITES"), Method::Other);
        assert_eq!(Method::of(b""), Method::Other);
        assert_eq!(Method::ALL.len(), 14);
        assert!(Method::ALL.iter().all(|&m| Method::of(m.text().as_bytes()) == m && m != Method::Other));
    }
}
