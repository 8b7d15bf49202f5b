// A plain client of the wire protocol: Request and Subscriber sockets as zeromq.js makes them, MessagePack maps, nothing
// else. It knows nothing of retries, clocks or sessions, as clients that were written years ago do not.

import { decode, encode } from "@msgpack/msgpack";
import * as zmq from "zeromq";

// A client always gets an answer or an error; who waits longer than this has been left hanging.
const ANSWER_WITHIN_MS = 10_000;

/** The other side said nothing in time. */
export class NoAnswer extends Error {}

/** A REQ socket. */
export class Asker {
  constructor(host, port) {
    this.socket = new zmq.Request({ linger: 0, receiveTimeout: ANSWER_WITHIN_MS });
    this.socket.connect(`tcp://${host}:${port}`);
  }

  /** Sends one request exactly as given, and returns the whole reply: nothing is added, not even a timestamp. */
  async ask(service, data = {}) {
    await this.socket.send(encode({ service, data }));
    const frames = await receive(this.socket);
    if (frames === undefined) {
      throw new NoAnswer(`no answer to ${service} within ${ANSWER_WITHIN_MS} ms`);
    }
    if (frames.length !== 1) {
      throw new Error(`a reply has one frame, not ${frames.length}`);
    }
    return decode(frames[0]);
  }
}

/** A SUB socket. */
export class Listener {
  constructor(host, port, topics) {
    this.socket = new zmq.Subscriber({ linger: 0 });
    this.socket.subscribe(...topics);
    this.socket.connect(`tcp://${host}:${port}`);
  }

  /** The next publication as [topic, map], or undefined when nothing comes in time. */
  async next(withinMs) {
    this.socket.receiveTimeout = Math.max(0, Math.ceil(withinMs));
    const frames = await receive(this.socket);
    if (frames === undefined) {
      return undefined;
    }
    if (frames.length !== 2) {
      throw new Error(`a publication has two frames, not ${frames.length}`);
    }
    return [frames[0].toString("utf8"), decode(frames[1])];
  }
}

async function receive(socket) {
  try {
    return await socket.receive();
  } catch (error) {
    if (error.code === "EAGAIN") {
      return undefined;
    }
    throw error;
  }
}

/** 2025-11-03T21:14:07.123456 */
export function nowWithoutZone() {
  return new Date().toISOString().replace("Z", "456");
}

/** 2025-11-03T21:14:07.123Z */
export function nowInUtc() {
  return new Date().toISOString();
}

/** 2025-11-03T18:14:07-03:00 */
export function nowWithOffset() {
  const there = new Date(Date.now() - 3 * 3600 * 1000);
  return there.toISOString().replace(/\.\d+Z$/, "-03:00");
}

/** Whether this is a time as replies and publications carry it. */
export function isTime(text) {
  return typeof text === "string" && /^\d{4}-\d\d-\d\dT/.test(text) && !Number.isNaN(Date.parse(text));
}
