//! Both ends of a trial call in one process: each registers, then one calls the other through what lies between.

use super::agent::Watch;
use super::call::{self, Means, Sound};
use super::endpoint::callee::{Stage, Taken, Taking, take_calls};
use super::media::Ended;
use super::stop::Stop;
use crate::agent::invite::{Event, Invite};
use crate::agent::register::Register;
use crate::base::Entropy;
use crate::transport::{Connector, Plan};
use tokio::sync::watch;

/// One end.
pub struct End<'a> {
    /// Its registration, to be kept until it is stopped.
    pub register: Register,
    /// Where its registrar is.
    pub plan: &'a Plan,
    /// Opens its line.
    pub connector: &'a Connector,
    /// How it takes calls.
    pub taking: Taking,
}

/// How far a pair has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Both ends can be called: the call begins.
    Registered,
    /// The call is over: both ends take their bindings away.
    Called,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Paired {
    /// The end that called.
    pub caller: Taken,
    /// The end that was called.
    pub callee: Taken,
    /// Whether both were registered, so that there was a call at all.
    pub has_called: bool,
    /// The media of the end that called.
    pub media: Option<Ended>,
}

/// Registers both ends, lets `machine` call, and ends everything: bindings are taken away whatever happened.
///
/// `stop`: the first wish ends the call and the bindings in good order, a second one at once.
#[allow(clippy::too_many_arguments)]
pub async fn call_each_other<W: Watch<Event>>(
    caller: End<'_>,
    callee: End<'_>,
    machine: &mut Invite,
    means: &Means<'_>,
    sound: &Sound,
    mut entropy: Entropy,
    stop: Stop,
    watch: &mut W,
    mut step: impl FnMut(&mut W, Step),
) -> Paired {
    let mut draw = || Entropy::seeded(entropy.below(u64::MAX));
    let (quit, wishes) = watch::channel(0u32);
    let (tell_caller, mut caller_stage) = watch::channel(Stage::Registering);
    let (tell_callee, mut callee_stage) = watch::channel(Stage::Registering);
    let (of_caller, of_callee, own) = (draw(), draw(), draw());
    let ends = async {
        // Polled in this order: the caller's REGISTER goes first.
        futures_util::future::join(
            registered(caller, of_caller, tell_caller, &wishes),
            registered(callee, of_callee, tell_callee, &wishes),
        )
        .await
    };
    let mut stopped = stop.clone();
    let call = async {
        let both = async { settled(&mut caller_stage).await && settled(&mut callee_stage).await };
        let are_ready = tokio::select! {
            biased;
            () = stopped.after(0) => false,
            ready = both => ready,
        };
        let mut media = None;
        if are_ready {
            step(watch, Step::Registered);
            media = call::run(machine, means, sound, own, stop.clone(), watch).await;
        }
        step(watch, Step::Called);
        quit.send_modify(|wishes| *wishes = (*wishes).max(1));
        (are_ready, media)
    };
    let mut hurried = stop.clone();
    let hurry = async {
        hurried.after(1).await;
        quit.send_modify(|wishes| *wishes = 2);
        std::future::pending::<()>().await;
    };
    tokio::select! {
        biased;
        ((caller, callee), (has_called, media)) = async { tokio::join!(ends, call) } => Paired { caller, callee, has_called, media },
        () = hurry => Paired::default(),
    }
}

async fn registered(
    end: End<'_>,
    entropy: Entropy,
    told: watch::Sender<Stage>,
    wishes: &watch::Receiver<u32>,
) -> Taken {
    take_calls(end.register, end.plan, end.connector, end.taking, entropy, told, Stop::by(wishes.clone())).await
}

/// Waits until an end can be called, or never will: whether it can.
async fn settled(stage: &mut watch::Receiver<Stage>) -> bool {
    stage.wait_for(|stage| *stage != Stage::Registering).await.is_ok_and(|stage| *stage == Stage::Ready)
}
