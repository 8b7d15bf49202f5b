// A whole session against a running Papo, written from the wire protocol alone. One line a check; exit status 1 if any failed.
//
//	usage: interop HOST BROKER_PORT PROXY_PORT REFERENCIA_PORT SERVIDOR_PORT
package main

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"reflect"
	"time"
)

const (
	deliveredWithin = 10 * time.Second
	// How long to listen for what must not come, after what must come has come.
	silentFor = 500 * time.Millisecond
)

type checks struct{ passed, failed int }

func (c *checks) that(sentence string, holds bool, got interface{}) {
	if holds {
		c.passed++
		fmt.Printf("ok    %s\n", sentence)
		return
	}
	c.failed++
	fmt.Printf("FAIL  %s: got %.400v\n", sentence, got)
}

// reply checks that the reply names its service, carries time and clock, and has these keys with these values.
func (c *checks) reply(sentence string, from *asker, service string, data dict, expected dict) dict {
	return c.replyOf(sentence, from, service, service, data, expected)
}

func (c *checks) replyOf(sentence string, from *asker, asked string, answers string, data dict, expected dict) dict {
	service, reply, err := from.ask(asked, data)
	if err != nil {
		c.that(sentence, false, err)
		return dict{}
	}
	holds := service == answers && isTime(reply["timestamp"]) && isInteger(reply["clock"])
	for key, value := range expected {
		holds = holds && reflect.DeepEqual(reply[key], value)
	}
	c.that(sentence, holds, fmt.Sprint(service, reply))
	return reply
}

// place is where the Papo under test is, and the fresh names of this run.
type place struct {
	host, broker, proxy, referencia, servidor string
	ana, bia, channel, nobody, nowhere        string
}

func newPlace(words []string) place {
	random := make([]byte, 4)
	if _, err := rand.Read(random); err != nil {
		fatal(err)
	}
	run := hex.EncodeToString(random)
	return place{
		host: words[0], broker: words[1], proxy: words[2], referencia: words[3], servidor: words[4],
		ana: "go-ana-" + run, bia: "go-bia-" + run, channel: "go-canal-" + run,
		nobody: "go-ninguem-" + run, nowhere: "go-nenhum-" + run,
	}
}

func main() {
	if len(os.Args) != 6 {
		fmt.Fprintln(os.Stderr, "usage: interop HOST BROKER_PORT PROXY_PORT REFERENCIA_PORT SERVIDOR_PORT")
		os.Exit(64)
	}
	place, check := newPlace(os.Args[1:]), &checks{}
	broker, err := newAsker(place.host, place.broker)
	if err != nil {
		fatal(err)
	}
	loggingIn(check, place, broker)
	creatingAChannel(check, place, broker)
	publishing(check, place, broker)
	privately(check, place, broker)
	strangeRequests(check, broker)
	betweenServices(check, place)
	fmt.Printf("go: %d passed, %d failed\n", check.passed, check.failed)
	if check.failed > 0 {
		os.Exit(1)
	}
}

func loggingIn(check *checks, place place, broker *asker) {
	check.reply("login of a fresh name", broker, "login", dict{"user": place.ana}, dict{"status": "sucesso"})
	check.reply("login of a taken name is refused in the words old clients expect", broker, "login",
		dict{"user": place.ana}, dict{"status": "erro", "description": "Usuário já existe"})
	check.reply("login of another fresh name", broker, "login", dict{"user": place.bia}, dict{"status": "sucesso"})
	users := check.reply("users are listed", broker, "users", nil, nil)["users"]
	check.that("the list of users has both names", has(users, place.ana) && has(users, place.bia), users)
}

func creatingAChannel(check *checks, place place, broker *asker) {
	check.reply("a fresh channel is created", broker, "channel", dict{"channel": place.channel}, dict{"status": "sucesso"})
	check.reply("a channel that exists is refused in the words old clients expect", broker, "channel",
		dict{"channel": place.channel}, dict{"status": "erro", "description": "Canal já existe"})
	channels := check.reply("channels are listed", broker, "channels", nil, nil)["channels"]
	check.that("the list of channels has the new one", has(channels, place.channel), channels)
}

func publishing(check *checks, place place, broker *asker) {
	follower := listen(place, place.channel)
	prefix := listen(place, place.channel[:len(place.channel)-1])
	everything := listen(place, "")
	saying := func(text string) dict {
		return dict{"user": place.ana, "channel": place.channel, "message": text}
	}
	untilFollowed(check, follower, func(text string) { _, _, _ = broker.ask("publish", saying(text)) })
	check.reply("publish", broker, "publish", saying("olá"), dict{"status": "OK", "message": "Mensagem publicada."})
	topic, said := awaited(follower, "olá")
	check.that("it is delivered on the channel's topic", topic == place.channel && said["user"] == place.ana, said)
	check.that("it carries time and clock", isTime(said["timestamp"]) && isInteger(said["clock"]), said)
	nothing(check, "a beginning of the channel's name is sent nothing", prefix)
	nothing(check, "the empty prefix is sent nothing", everything)
	check.reply("publish into a channel that does not exist is refused in the words old clients expect", broker, "publish",
		dict{"user": place.ana, "channel": place.nowhere, "message": "?"},
		dict{"status": "erro", "message": "Canal não existe."})
}

func privately(check *checks, place place, broker *asker) {
	follower := listen(place, "user:"+place.bia)
	everybody := listen(place, "user:")
	saying := func(text string) dict { return dict{"src": place.ana, "dst": place.bia, "message": text} }
	untilFollowed(check, follower, func(text string) { _, _, _ = broker.ask("message", saying(text)) })
	check.reply("a private message", broker, "message", saying("só para você"),
		dict{"status": "OK", "message": "Mensagem privada enviada."})
	topic, said := awaited(follower, "só para você")
	check.that("it is delivered on the topic of its recipient", topic == "user:"+place.bia && said["src"] == place.ana, said)
	nothing(check, "a bare user: is sent nothing", everybody)
	check.reply("a private message to nobody is refused in the words old clients expect", broker, "message",
		dict{"src": place.ana, "dst": place.nobody, "message": "?"},
		dict{"status": "erro", "message": "Usuário de destino não existe."})
}

func strangeRequests(check *checks, broker *asker) {
	check.replyOf("an unknown service is refused in the words old clients expect", broker, "nada", "erro", nil,
		dict{"status": "erro", "description": "Serviço não encontrado"})
	check.reply("after that the same connection still serves", broker, "channels", nil, nil)
}

func betweenServices(check *checks, place place) {
	referencia, err := newAsker(place.host, place.referencia)
	if err != nil {
		fatal(err)
	}
	list, ok := check.reply("referencia lists the servidores", referencia, "list", nil, nil)["list"].([]interface{})
	check.that("there are some", ok && len(list) > 0, list)
	servidor, err := newAsker(place.host, place.servidor)
	if err != nil {
		fatal(err)
	}
	reply := check.reply("a servidor tells the time", servidor, "clock", nil, nil)
	check.that("the time is in nanoseconds", isInteger(reply["time"]), reply)
}

func listen(place place, topics ...string) *listener {
	listener, err := newListener(place.host, place.proxy, topics...)
	if err != nil {
		fatal(err)
	}
	return listener
}

// untilFollowed says something again and again until the subscription is known to be in force: a SUB socket is not told.
func untilFollowed(check *checks, follower *listener, say func(string)) {
	for end := time.Now().Add(deliveredWithin); time.Now().Before(end); {
		say("alguém?")
		if _, _, err := follower.next(silentFor); err == nil {
			return
		}
	}
	check.that("a subscription comes into force", false, "nothing")
}

// awaited is the publication with that text; others may come before it.
func awaited(follower *listener, text string) (string, dict) {
	for end := time.Now().Add(deliveredWithin); time.Now().Before(end); {
		if topic, said, err := follower.next(time.Until(end)); err == nil && said["message"] == text {
			return topic, said
		}
	}
	return "", dict{}
}

func nothing(check *checks, sentence string, follower *listener) {
	topic, said, err := follower.next(silentFor)
	check.that(sentence, err == errNothing, fmt.Sprint(topic, said, err))
}

func has(list interface{}, wanted string) bool {
	names, ok := list.([]interface{})
	for _, name := range names {
		if name == wanted {
			return ok
		}
	}
	return false
}

func isTime(value interface{}) bool {
	text, ok := value.(string)
	if !ok {
		return false
	}
	_, err := time.Parse(time.RFC3339Nano, text)
	return err == nil
}

func isInteger(value interface{}) bool {
	switch value.(type) {
	case int8, int16, int32, int64, uint8, uint16, uint32, uint64:
		return true
	}
	return false
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, "interop:", err)
	os.Exit(1)
}
