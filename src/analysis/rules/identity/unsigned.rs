//! `identity-missing`: calls without a signature from where calls are signed, or to somebody who asks for one.
//!
//! Most networks sign nothing, and there a call without a signature says nothing. Who is told about are callers that signed other calls of the run, and
//! those that were refused with 428.

use super::entries::{ENTRIES, MISSING};
use crate::analysis::rules::attack::numbers::Dialled;
use crate::analysis::{Case, Confidence, Finding};
use crate::base::Table;
use crate::sip::{HeaderName, Method, Uri};
use crate::trace::Kind;
use std::net::IpAddr;

/// Callers that are remembered.
const CALLERS: usize = 1024;
/// Messages that a finding names.
const NAMED: usize = 24;
/// Digits from which on a caller has a telephone number that could be signed.
const LONG: usize = 7;

/// Callers that sign.
#[derive(Debug)]
pub struct Signers(Table<IpAddr, Signer>);

#[derive(Debug, Default)]
struct Signer {
    signed: u32,
    unsigned: u32,
    shown: Vec<u64>,
}

impl Default for Signers {
    fn default() -> Self {
        Signers(Table::new(CALLERS))
    }
}

impl Signers {
    /// Takes a call in.
    pub fn conversation(&mut self, case: &Case<'_>, findings: &mut Vec<Finding>) {
        let c = case.conversation;
        if c.kind != Kind::Call {
            return;
        }
        let is_signed = case.seen().has(HeaderName::Identity);
        if !is_signed && self.0.is_empty() && !case.seen().answers(428) {
            return;
        }
        let first = c.requests(Method::Invite).find(|(_, f)| f.to_tag.is_empty() && !f.head_cut);
        let Some((position, invite)) = first else { return };
        let caller = invite.flow.src;
        if is_signed {
            if c.header(invite, HeaderName::Identity).is_some() {
                let signer = self.0.touch_or_insert(&caller.ip(), invite.time.0, Signer::default).0;
                signer.signed = signer.signed.saturating_add(1);
            }
            return;
        }
        if let Some(refused) = c.transactions.iter().find(|t| t.final_status == 428).and_then(|t| t.final_response)
            && let Some(response) = c.at(refused)
        {
            let title = format!("{} takes no call of {caller} without a signature", response.flow.src);
            let mut f = ENTRIES[MISSING].finding(title);
            f.detail.push("It answered 428 Use Identity Header, and the INVITE has no Identity.".to_owned());
            f.positions = vec![position, refused];
            findings.push(f);
            return;
        }
        let number = Uri::parse(c.text(c.from)).user.and_then(Dialled::of);
        if number.is_none_or(|n| n.digits().len() < LONG) {
            return;
        }
        if let Some(signer) = self.0.touch(&caller.ip(), invite.time.0) {
            signer.unsigned = signer.unsigned.saturating_add(1);
            if signer.shown.len() < NAMED {
                signer.shown.push(invite.index);
            }
        }
    }

    /// Callers that signed some calls and others not.
    pub fn finish(&mut self) -> Vec<Finding> {
        let mut findings = Vec::new();
        while let Some((caller, signer)) = self.0.pop_oldest() {
            if signer.unsigned == 0 {
                continue;
            }
            let (all, without) = (u64::from(signer.signed) + u64::from(signer.unsigned), signer.unsigned);
            let mut f = ENTRIES[MISSING].finding(format!("{without} of {all} calls from {caller} carry no Identity"));
            f.confidence = Confidence::Likely;
            f.detail.push(format!(
                "It signed {} other calls, and callers with a telephone number made these.",
                signer.signed
            ));
            f.indices = signer.shown;
            findings.push(f);
        }
        findings
    }
}
