//! What the chat promises, while its processes are killed, frozen, and robbed of their disks.

mod announcements;
mod bad_input;
mod bad_installation;
mod clocks;
mod deaths;
mod disks;
mod full_disks;
mod growth;
mod majority;
mod names;
mod peace;
mod restarts;
mod retries;
mod small_disk;
mod stalls;
