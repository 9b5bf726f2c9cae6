#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn monitoring_gets_its_own_numbers() {
    let all = [
        (Exit::Good, 0),
        (Exit::Missed, 1),
        (Exit::Unexpected, 2),
        (Exit::NoAnswer, 2),
        (Exit::Unreachable, 2),
        (Exit::Refused, 2),
        (Exit::Usage, 3),
        (Exit::Interrupted, 3),
    ];
    for (exit, number) in all {
        assert_eq!(exit_code(exit, ExitStyle::Nagios), number, "{exit:?}");
        assert_eq!(exit_code(exit, ExitStyle::Sipctl), exit.code());
    }
}

#[test]
fn from_is_an_address_in_any_usual_form() {
    assert_eq!(name_addr("alice@example.com").unwrap(), "<sip:alice@example.com>");
    assert_eq!(name_addr(" sips:alice@example.com ").unwrap(), "<sips:alice@example.com>");
    assert_eq!(name_addr("\"A\" <sip:a@b>").unwrap(), "\"A\" <sip:a@b>");
    for wrong in ["", "<sip:a@b", "sip:", "sip:a@b\r\nEvil: x", "http://x"] {
        assert!(name_addr(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn a_proxy_becomes_a_loose_route() {
    let of = |text: &str| route(&proxy(text).unwrap());
    assert_eq!(of("sip:proxy.example.com;transport=tcp"), "<sip:proxy.example.com;transport=tcp;lr>");
    assert_eq!(of("sip:192.0.2.1:5070;lr"), "<sip:192.0.2.1:5070;lr>");
    assert!(proxy("sip:a?Subject=x").is_err());
}

#[test]
fn many_pieces_of_work_run_a_few_at_a_time_and_each_is_told() {
    let (running, most) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let works = (0..20u32).map(|n| {
        let (running, most) = (&running, &most);
        async move {
            running.set(running.get() + 1);
            most.set(most.get().max(running.get()));
            tokio::task::yield_now().await;
            running.set(running.get() - 1);
            n * 2
        }
    });
    let mut told = Vec::new();
    let done = async {
        run_all(works, 4, |n, result| told.push((n as u32, result))).await;
        Ok(())
    };
    block_on(done).unwrap();
    told.sort_unstable();
    assert_eq!(told, (0..20).map(|n| (n, n * 2)).collect::<Vec<_>>());
    assert_eq!(most.get(), 4);
}
