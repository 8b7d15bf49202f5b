//! What [`papo_transport::Net`] promises, asked of ZeroMQ and of memory alike: every case is one function
//! that runs against both.

mod lifecycle;
mod limits;
mod proxy;
mod publish;
mod request;
mod route;
mod support;
mod waiting;

use support::{Memory, Zmq};

macro_rules! conformance {
    ($($module:ident::$case:ident,)*) => {
        mod zeromq {
            $(#[test] fn $case() { super::$module::$case(&super::Zmq::default()); })*
        }
        mod memory {
            $(#[test] fn $case() { super::$module::$case(&super::Memory::default()); })*
        }
    };
}

conformance! {
    request::a_request_reaches_a_router_with_its_envelope_and_is_answered_by_it,
    request::request_and_reply_see_bodies_only,
    request::an_answer_to_an_abandoned_request_is_dropped,
    request::a_reply_receives_the_next_request_only_after_it_has_answered,
    request::a_reply_without_a_request_is_unroutable,
    request::a_request_waits_for_a_peer_that_is_not_there_yet,
    request::a_request_without_any_address_is_full,
    route::dealer_and_router_talk_both_ways,
    route::a_dealer_with_nobody_connected_is_full,
    route::a_dealer_takes_its_peers_in_turn,
    route::a_router_does_not_know_strangers,
    route::a_router_forgets_a_peer_that_left,
    route::a_message_of_many_frames_arrives_whole,
    route::messages_of_one_peer_keep_their_order,
    publish::a_subscriber_gets_what_begins_with_its_topic,
    publish::a_cancelled_topic_stops,
    publish::a_topic_subscribed_twice_is_cancelled_twice,
    publish::two_subscribers_each_get_their_own,
    publish::connecting_twice_is_connecting_once,
    publish::a_proxy_input_gets_everything_of_all_publishers,
    publish::a_subscriber_that_does_not_read_delays_nobody,
    proxy::a_subscription_is_received_and_counts_only_when_accepted,
    proxy::a_topic_matches_exactly,
    proxy::another_topic_than_the_one_asked_for_can_be_accepted,
    proxy::acceptance_goes_to_the_peer_received_last,
    proxy::a_cancelled_topic_is_received_and_gone,
    proxy::topics_of_a_peer_that_left_are_received_as_cancelled,
    proxy::a_peer_that_left_before_it_was_accepted_leaves_nothing_behind,
    proxy::a_slow_subscriber_delays_nobody,
    proxy::a_subscriber_asks_again_when_the_proxy_is_back,
    proxy::a_proxy_output_only_listens,
    limits::a_frame_over_the_limit_disconnects_and_the_peer_comes_back,
    limits::a_frame_of_exactly_the_limit_arrives,
    limits::a_dealer_is_full_when_nobody_reads,
    limits::a_router_is_full_for_one_peer_and_not_for_another,
    lifecycle::port_zero_becomes_a_free_port,
    lifecycle::a_port_in_use_is_said_to_be,
    lifecycle::port_zero_cannot_be_connected_to,
    lifecycle::a_closed_socket_is_closed_for_everything,
    lifecycle::ids_are_not_used_again,
    lifecycle::what_was_sent_before_closing_arrives,
    lifecycle::who_connects_first_may_wait_for_the_listener,
    lifecycle::a_dealer_comes_back_when_the_listener_does,
    lifecycle::a_disconnected_address_gets_nothing_more,
    lifecycle::a_message_without_frames_is_refused,
    lifecycle::ipv6_works_where_the_host_has_it,
    waiting::a_wait_ends_at_its_timeout_with_nothing_ready,
    waiting::a_wake_from_another_thread_ends_the_wait,
    waiting::a_wake_before_the_wait_ends_it,
    waiting::many_wakes_end_one_wait_and_none_is_lost,
    waiting::a_waker_outlives_its_net,
    waiting::a_socket_stays_ready_until_it_is_read_empty,
    waiting::every_ready_socket_is_named,
    waiting::a_message_from_another_thread_ends_the_wait,
    waiting::messages_that_arrived_during_sends_are_not_overlooked,
}
