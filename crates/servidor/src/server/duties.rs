//! What the core says is to be done.

use std::sync::Arc;

use papo_core::replica::{FETCH_BYTES, FETCH_ENTRIES, Input, Message, Output};
use papo_transport::Net;
use papo_wire::envelope::ToBroker;

use super::Server;
use crate::requests::Outgoing;

impl<N: Net> Server<N> {
    /// Does all that the core has to say at the moment.
    pub(super) fn do_duties(&mut self) {
        let now = self.clocks.now();
        self.header.refresh(&self.replica);
        while let Some(output) = self.replica.poll_output(now) {
            self.do_duty(output);
        }
    }

    fn do_duty(&mut self, output: Output) {
        match output {
            Output::Send { to, message } => {
                if !self.links.send(&mut self.net, &to, &self.header.bytes, &message) {
                    self.metrics.unsent.inc();
                }
            }
            Output::Greet(hello) => {
                self.header.refresh(&self.replica);
                self.links.greet(&mut self.net, &self.header.sender, &Message::Hello(hello));
            }
            Output::Broadcast(message) => self.links.broadcast(&mut self.net, &self.header.bytes, &message),
            Output::Persist { id, write } => {
                self.probes.wrote(id);
                self.writer.submit(id, write);
            }
            Output::ReadLog { read, from } => self.read_log(read, from),
            Output::Answer { ticket, answer } => {
                let now = self.clocks.now();
                let answer = self.requests.decided(now, &mut self.replica, ticket, answer);
                self.send_answer(answer);
            }
            Output::Index { records, applied } => self.indexing.add(records, applied),
            Output::Publish(delivery) => {
                self.metrics.published.inc();
                self.proxies.publish(&mut self.net, *delivery);
            }
            Output::Tip { topic, index } => {
                let (time, clock) = self.requests.stamps(self.clocks.now(), &self.replica);
                self.proxies.tip(&mut self.net, &topic, index, time, clock);
            }
            Output::Announce { epoch } => {
                let (time, clock) = self.requests.stamps(self.clocks.now(), &self.replica);
                self.proxies.announce(&mut self.net, &self.replica.me().name, epoch, time, clock);
            }
            Output::Availability(availability) => self.available(availability),
            Output::Notice(notice) => self.notices.tell(&notice, &self.metrics),
        }
    }

    fn read_log(&self, read: u64, from: u64) {
        let (done, waker) = (self.log_reads_from.clone(), self.net.waker());
        self.reader.read(from, FETCH_ENTRIES, FETCH_BYTES, move |entries| {
            // Who asked asks again; a disk that cannot be read is reported by the store.
            let entries = entries.unwrap_or_default().into_iter().map(Arc::new).collect();
            if done.send(Input::LogRead { read, entries }).is_ok() {
                waker.wake();
            }
        });
    }

    pub(super) fn send_answer(&mut self, answer: Option<Outgoing>) {
        let sent = match answer {
            None => return,
            Some(Outgoing::Broker { socket, message }) => self.send_to_broker(socket, message),
            Some(Outgoing::Direct { mut envelope, payload }) => {
                envelope.push(payload);
                self.net.send(self.links.router, envelope)
            }
        };
        if let Err(error) = sent {
            // The broker that asked is gone or does not listen: the client asks again, under the same id.
            tracing::debug!(%error, "an answer was not sent");
        }
    }

    fn send_to_broker(
        &mut self,
        socket: papo_transport::SocketId,
        message: ToBroker,
    ) -> Result<(), papo_transport::SendError> {
        self.net.send(socket, message.encode())
    }
}
