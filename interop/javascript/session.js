// A whole session against a running Papo, written from the wire page alone. One line a check; exit code 1 if any failed.
//
// usage: node session.js HOST BROKER_PORT PROXY_PORT REFERENCIA_PORT SERVIDOR_PORT

import { execSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { inspect } from "node:util";

import { Asker, Listener, NoAnswer, isTime, nowInUtc, nowWithOffset, nowWithoutZone } from "./plain.js";

const DELIVERED_WITHIN_MS = 10_000;
// How long to listen for what must not come, after what must come has come.
const SILENT_FOR_MS = 500;

/** Counts what holds, and goes on after what does not. */
class Checks {
  passed = 0;
  failed = 0;

  that(sentence, holds, got) {
    if (holds) {
      this.passed += 1;
      console.log(`ok    ${sentence}`);
    } else {
      this.failed += 1;
      console.log(`FAIL  ${sentence}: got ${inspect(got, { depth: 6, breakLength: Infinity }).slice(0, 400)}`);
    }
  }

  /** The reply names its service, carries time and clock, and has these keys with these values. */
  reply(sentence, reply, service, expected = {}) {
    const data = reply?.data ?? {};
    const holds =
      reply?.service === service &&
      isTime(data.timestamp) &&
      isInt(data.clock) &&
      Object.entries(expected).every(([key, value]) => data[key] === value);
    this.that(sentence, holds, reply);
    return data;
  }

  /** Runs a part of the session; one that breaks off is one failed check, and the next part still runs. */
  async part(run, place) {
    try {
      await run(this, place);
    } catch (error) {
      this.that(`${run.name} runs to its end`, false, error);
    }
  }
}

/** Where the Papo under test is, and the fresh names of this run. */
class Place {
  constructor(host, broker, proxy, referencia, servidor) {
    Object.assign(this, { host, broker, proxy, referencia, servidor });
    const run = randomBytes(4).toString("hex");
    this.ana = `js-ana-${run}`;
    this.bia = `js-bia-${run}`;
    this.channel = `js-canal-${run}`;
    this.nobody = `js-ninguem-${run}`;
    this.nowhere = `js-nenhum-${run}`;
    this.peer = `js-servidor-${run}`;
    this.requestId = `js-${run}`;
  }

  asker(port) {
    return new Asker(this.host, port);
  }

  listener(...topics) {
    return new Listener(this.host, this.proxy, topics);
  }

  async saySomething(message) {
    await this.asker(this.broker).ask("publish", { user: this.ana, channel: this.channel, message });
  }
}

// MessagePack integers beyond 2^53 arrive as the nearest double, which is still a whole number.
const isInt = (value) => typeof value === "bigint" || Number.isInteger(value);

const grows = (numbers) => numbers.every((number, at) => at === 0 || number > numbers[at - 1]);

async function loggingIn(check, place) {
  const broker = place.asker(place.broker);
  check.reply(
    "login of a fresh name, with a time without zone and no clock",
    await broker.ask("login", { user: place.ana, timestamp: nowWithoutZone() }),
    "login",
    { status: "sucesso" },
  );
  check.reply(
    "login of a taken name is refused in the words old clients expect",
    await broker.ask("login", { user: place.ana, timestamp: nowInUtc() }),
    "login",
    { status: "erro", description: "Usuário já existe" },
  );
  check.reply(
    "login of another fresh name, with a time with an offset and a clock",
    await broker.ask("login", { user: place.bia, timestamp: nowWithOffset(), clock: 7 }),
    "login",
    { status: "sucesso" },
  );
  const { users } = check.reply("users are listed", await broker.ask("users", { timestamp: nowInUtc() }), "users");
  check.that("the list of users has both names", users.includes(place.ana) && users.includes(place.bia), users);
  check.that("the list of users has only strings", users.every((user) => typeof user === "string"), users);
}

async function creatingAChannel(check, place) {
  const broker = place.asker(place.broker);
  check.reply(
    "a fresh channel is created, with a time with an offset",
    await broker.ask("channel", { channel: place.channel, timestamp: nowWithOffset() }),
    "channel",
    { status: "sucesso" },
  );
  check.reply(
    "a channel that exists is refused in the words old clients expect",
    await broker.ask("channel", { channel: place.channel, timestamp: nowWithoutZone() }),
    "channel",
    { status: "erro", description: "Canal já existe" },
  );
  const { channels } = check.reply(
    "channels are listed, without a timestamp in the request",
    await broker.ask("channels"),
    "channels",
  );
  check.that("the list of channels has the new one", channels.includes(place.channel), channels);
}

async function publishing(check, place) {
  const broker = place.asker(place.broker);
  const follower = place.listener(place.channel);
  const prefix = place.listener(place.channel.slice(0, -1));
  const everything = place.listener("");
  const publish = (message, more = {}) =>
    broker.ask("publish", { user: place.ana, channel: place.channel, message, ...more });

  await waitUntilFollowed(follower, publish);
  const stamps = { "without zone": nowWithoutZone(), "in UTC": nowInUtc(), "with an offset": nowWithOffset() };
  const clocks = [];
  for (const [shape, timestamp] of Object.entries(stamps)) {
    const message = `olá ${shape}`;
    check.reply(`publish with a time ${shape}`, await publish(message, { timestamp }), "publish", {
      status: "OK",
      message: "Mensagem publicada.",
    });
    const [topic, data] = await nextThat(follower, (heard) => heard.message === message);
    check.that(`it arrives on the channel's own topic (${shape})`, topic === place.channel, topic);
    check.that(
      `with its user, message, timestamp and clock (${shape})`,
      data.user === place.ana && isTime(data.timestamp) && isInt(data.clock),
      data,
    );
    clocks.push(data.clock);
  }
  check.that("clocks of what arrives grow", grows(clocks), clocks);
  const ofTheChannel = (await drain(prefix)).filter(([topic]) => topic === place.channel);
  check.that(
    "a subscription to the beginning of a channel's name is not sent its messages",
    ofTheChannel.length === 0,
    ofTheChannel,
  );
  const stray = await drain(everything);
  check.that("a subscription to everything is sent nothing", stray.length === 0, stray);
  check.reply(
    "publishing to a channel that does not exist is refused in the words old clients expect",
    await broker.ask("publish", { user: place.ana, channel: place.nowhere, message: "?", timestamp: nowInUtc() }),
    "publish",
    { status: "erro", message: "Canal não existe." },
  );
}

async function talkingInPrivate(check, place) {
  const broker = place.asker(place.broker);
  const own = place.listener(`user:${place.bia}`);
  const allPrivate = place.listener("user:");
  const whisper = (message, more = {}) =>
    broker.ask("message", { src: place.ana, dst: place.bia, message, ...more });

  await waitUntilFollowed(own, whisper);
  check.reply("a private message is sent", await whisper("só para você", { timestamp: nowInUtc() }), "message", {
    status: "OK",
    message: "Mensagem privada enviada.",
  });
  const [topic, data] = await nextThat(own, (heard) => heard.message === "só para você");
  check.that("it arrives on the topic of the one it is for", topic === `user:${place.bia}`, topic);
  check.that(
    "with its src, message, timestamp and clock",
    data.src === place.ana && isTime(data.timestamp) && isInt(data.clock),
    data,
  );
  const stray = await drain(allPrivate);
  check.that("a subscription to everybody's private messages is sent nothing", stray.length === 0, stray);
  check.reply(
    "a private message to nobody is refused in the words old clients expect",
    await broker.ask("message", { src: place.ana, dst: place.nobody, message: "?", timestamp: nowWithoutZone() }),
    "message",
    { status: "erro", message: "Usuário de destino não existe." },
  );
}

async function askingForWhatThereIsNot(check, place) {
  const broker = place.asker(place.broker);
  check.reply(
    "an unknown service is refused in the words old clients expect",
    await broker.ask("dançar", { timestamp: nowInUtc() }),
    "erro",
    { status: "erro", description: "Serviço não encontrado" },
  );
  check.reply("and the connection still works", await broker.ask("users", { timestamp: nowInUtc() }), "users");
}

async function optionalKeys(check, place) {
  const broker = place.asker(place.broker);
  const other = place.asker(place.broker);
  const user = `${place.ana}-2`;
  const { data: login } = await broker.ask("login", { user, timestamp: nowInUtc() });
  check.that("a login is given a session", typeof login.session === "string" && login.session !== "", login);
  check.reply(
    "the session logs in again, from another connection",
    await other.ask("login", { user, session: login.session, seen: login.index }),
    "login",
    { status: "sucesso" },
  );
  const follower = place.listener(place.channel);
  const publish = (message, more = {}) =>
    broker.ask("publish", { user, channel: place.channel, message, ...more });

  await waitUntilFollowed(follower, publish);
  const first = check.reply(
    "a publish with a request_id",
    await publish("uma vez", { request_id: place.requestId }),
    "publish",
    { status: "OK" },
  );
  check.reply(
    "the same publish again, with the same request_id, from another connection, gets the same answer",
    await other.ask("publish", { user, channel: place.channel, message: "uma vez", request_id: place.requestId }),
    "publish",
    { status: "OK", message: "Mensagem publicada." },
  );
  const last = check.reply("and one more after it", await publish("a última", { seen: first.index }), "publish", {
    status: "OK",
  });
  const heard = [];
  while (heard.at(-1)?.message !== "a última") {
    const [, data] = await nextThat(follower, ({ message }) => message === "uma vez" || message === "a última");
    heard.push(data);
  }
  const texts = heard.map(({ message }) => message);
  check.that("what was sent twice under one request_id arrives once", texts.join() === "uma vez,a última", texts);
  const indices = heard.map(({ index }) => index);
  check.that("publications carry their index, which grows", indices.every(isInt) && grows(indices), indices);
  check.that("and the index of the one before on the topic", heard.at(-1).previous === indices[0], heard.at(-1));
  const data = check.reply("a read with seen", await other.ask("users", { seen: last.index }), "users");
  check.that("reflects at least that index", isInt(data.index) && data.index >= last.index, data);
}

async function askingReferencia(check, place) {
  const referencia = place.asker(place.referencia);
  const rank = () =>
    referencia.ask("rank", { user: place.peer, p2p_address: "tcp://127.0.0.1:9", timestamp: nowInUtc() });
  const data = check.reply("referencia gives a rank", await rank(), "rank");
  check.that("which is a whole number", isInt(data.rank), data);
  check.reply("and the same one again", await rank(), "rank", { rank: data.rank });
  check.reply(
    "a heartbeat is taken",
    await referencia.ask("heartbeat", { user: place.peer, timestamp: nowInUtc() }),
    "heartbeat",
    { status: "OK" },
  );
  const { list } = check.reply(
    "the servidores are listed",
    await referencia.ask("list", { timestamp: nowInUtc() }),
    "list",
  );
  check.that(
    "each with name, rank and address",
    list.every(({ name, rank, address }) => typeof name === "string" && isInt(rank) && typeof address === "string"),
    list,
  );
  check.that("the one that registered is among them", list.some(({ name }) => name === place.peer), list);
  check.that("and at least one that this run did not register", list.length > 1, list);
}

async function askingAServidor(check, place) {
  const servidor = place.asker(place.servidor);
  const data = check.reply("a servidor tells the time", await servidor.ask("clock", { timestamp: nowInUtc() }), "clock");
  const apart = Math.abs(Number(data.time) / 1e6 - Date.now());
  check.that("in nanoseconds since the epoch", isInt(data.time) && apart < 60_000, data.time);
  check.reply(
    "an election by a lower rank is answered OK",
    await servidor.ask("election", { rank: 0, timestamp: nowInUtc() }),
    "election",
    { election: "OK" },
  );
}

async function hearingOfANewCoordinator(check, place) {
  const command = process.env.INTEROP_ELECTION;
  if (!command) {
    console.log("skip  a new coordinator is announced: INTEROP_ELECTION has no command that makes it change");
    return;
  }
  // Subscriptions of one socket take effect in order: who hears the channel is announced to as well.
  const announcements = place.listener("servers", place.channel);
  await waitUntilFollowed(announcements, (text) => place.saySomething(text));
  execSync(command, { stdio: "inherit" });
  const heard = await nextThat(announcements, (data) => data.service !== undefined);
  check.that("the coordinator is announced on the topic servers", heard[0] === "servers", heard);
  const announced = heard[1].data ?? {};
  check.that(
    "as an election, with coordinator, timestamp and clock",
    heard[1].service === "election" &&
      typeof announced.coordinator === "string" &&
      isTime(announced.timestamp) &&
      isInt(announced.clock),
    heard,
  );
}

/** A subscription takes a moment to reach the publishers: says something again and again until it is heard. */
async function waitUntilFollowed(listener, publish) {
  const deadline = performance.now() + DELIVERED_WITHIN_MS;
  while (performance.now() < deadline) {
    await publish("alguém ouve?");
    if (await listener.next(100)) {
      return;
    }
  }
  throw new NoAnswer(`nothing arrived within ${DELIVERED_WITHIN_MS} ms of subscribing`);
}

async function nextThat(listener, wanted) {
  const deadline = performance.now() + DELIVERED_WITHIN_MS;
  for (let left = DELIVERED_WITHIN_MS; left > 0; left = deadline - performance.now()) {
    const heard = await listener.next(left);
    if (heard && wanted(heard[1])) {
      return heard;
    }
  }
  throw new NoAnswer(`a message did not arrive within ${DELIVERED_WITHIN_MS} ms`);
}

async function drain(listener) {
  const all = [];
  for (let heard = await listener.next(SILENT_FOR_MS); heard; heard = await listener.next(SILENT_FOR_MS)) {
    all.push(heard);
  }
  return all;
}

const [host, ...ports] = process.argv.slice(2);
if (ports.length !== 4) {
  console.error("usage: node session.js HOST BROKER_PORT PROXY_PORT REFERENCIA_PORT SERVIDOR_PORT");
  process.exit(64);
}
const place = new Place(host, ...ports.map(Number));
const check = new Checks();
await check.part(loggingIn, place);
await check.part(creatingAChannel, place);
await check.part(publishing, place);
await check.part(talkingInPrivate, place);
await check.part(askingForWhatThereIsNot, place);
await check.part(optionalKeys, place);
await check.part(askingReferencia, place);
await check.part(askingAServidor, place);
await check.part(hearingOfANewCoordinator, place);
console.log(`javascript: ${check.passed} passed, ${check.failed} failed`);
process.exit(check.failed === 0 ? 0 : 1);
