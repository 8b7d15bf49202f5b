//! Who is wanted among the members.

use super::script::run;
use super::support::*;
use crate::log::Operation;

fn wanted(chat: &Chat) -> Vec<&str> {
    chat.state.places().names().collect()
}

#[test]
fn the_founders_are_wanted_until_somebody_says_otherwise() {
    let chat = run("
        members:/1  dismiss s2  -> done
        members:/2  admit s4    -> done
    ");
    assert_eq!(wanted(&chat), ["s1", "s3", "s4"]);
    assert_eq!(wanted(&Chat::founded()), ["s1", "s2", "s3"]);
}

#[test]
fn what_is_so_already_is_no_mistake_and_a_retry_is_answered_as_before() {
    let chat = run("
        members:/1  admit s1    -> done
        members:/2  dismiss s9  -> done
        members:/3  dismiss s1  -> done
        members:/4  admit s1    -> done
        members:/3  dismiss s1  -> done, as at 4
        members:/3  admit s1    -> id reused
    ");
    assert_eq!(wanted(&chat), ["s1", "s2", "s3"]);
}

#[test]
fn the_last_member_stays_and_there_are_seven_at_most() {
    let chat = run("
        members:/1  dismiss s1  -> done
        members:/2  dismiss s2  -> done
        members:/3  dismiss s3  -> last member
        members:/4  admit s4    -> done
        members:/5  dismiss s3  -> done
        members:/6  admit a     -> done
        members:/7  admit b     -> done
        members:/8  admit c     -> done
        members:/9  admit d     -> done
        members:/10 admit e     -> done
        members:/11 admit f     -> done
        members:/12 admit g     -> too many members
        members:/13 admit f     -> done
    ");
    assert_eq!(wanted(&chat), ["a", "b", "c", "d", "e", "f", "s4"]);
}

#[test]
fn a_name_that_no_servidor_can_have_is_refused() {
    let long = "s".repeat(64);
    for name in ["", "s 4", "s:4", "sé", long.as_str()] {
        let mut chat = Chat::founded();
        chat.apply("members:", client_id("1"), admit(name));
        assert_eq!(wanted(&chat), ["s1", "s2", "s3"], "{name:?}");
    }
}

#[test]
fn an_imported_record_admits_and_dismisses_nobody() {
    let mut chat = Chat::founded();
    chat.apply("members:", client_id("1"), imported(admit("s4")));
    chat.apply("members:", client_id("2"), imported(dismiss("s1")));
    assert_eq!(wanted(&chat), ["s1", "s2", "s3"]);
}

/// Two builds that understood an entry differently would be found out by it.
#[test]
fn who_is_wanted_is_part_of_the_digest() {
    let after = |founders: u64| {
        let mut writer = Writer { log: Vec::new(), time: crate::clock::WallTime::EPOCH };
        writer.write("", None, genesis(b"key"));
        writer.write("members:", client_id("1"), admit("s4"));
        let (mut state, _) = replay(&writer.log[..1]);
        if founders == 2 {
            state.places.dismiss("s3").expect("others are left");
        }
        state.apply(&writer.log[1]);
        state.digest()
    };
    assert_ne!(after(3), after(2));
}

#[test]
fn only_what_older_builds_cannot_read_needs_newer_rules() {
    assert_eq!(admit("s4").needs_rules(), 2);
    assert_eq!(imported(dismiss("s4")).needs_rules(), 2);
    for operation in [Operation::Empty, login("ana"), imported(login("ana")), genesis(b"key")] {
        assert_eq!(operation.needs_rules(), 0, "{operation:?}");
    }
}
