package main

import (
	"errors"
	"fmt"
	"time"

	zmq "github.com/pebbe/zmq4"
	"github.com/vmihailenco/msgpack/v5"
)

// A client always gets an answer or an error; who waits longer than this has been left hanging.
const answerWithin = 10 * time.Second

type dict = map[string]interface{}

// asker is a REQ socket. It knows nothing of retries, clocks or sessions, as clients that were written years ago do not.
type asker struct{ socket *zmq.Socket }

func newAsker(host string, port string) (*asker, error) {
	socket, err := connected(zmq.REQ, host, port)
	if err != nil {
		return nil, err
	}
	return &asker{socket}, socket.SetRcvtimeo(answerWithin)
}

// ask sends one request and returns the name and the data of the reply. As the Go client of old does, it sends its time as RFC 3339,
// and no Lamport clock.
func (a *asker) ask(service string, data dict) (string, dict, error) {
	if data == nil {
		data = dict{}
	}
	data["timestamp"] = time.Now().Format(time.RFC3339)
	request, err := msgpack.Marshal(dict{"service": service, "data": data})
	if err != nil {
		return "", nil, err
	}
	if _, err := a.socket.SendBytes(request, 0); err != nil {
		return "", nil, err
	}
	frames, err := a.socket.RecvMessageBytes(0)
	if err != nil {
		return "", nil, fmt.Errorf("no answer to %s: %w", service, err)
	}
	if len(frames) != 1 {
		return "", nil, fmt.Errorf("a reply has one frame, not %d", len(frames))
	}
	var reply struct {
		Service string `msgpack:"service"`
		Data    dict   `msgpack:"data"`
	}
	if err := msgpack.Unmarshal(frames[0], &reply); err != nil {
		return "", nil, err
	}
	return reply.Service, reply.Data, nil
}

// listener is a SUB socket.
type listener struct{ socket *zmq.Socket }

func newListener(host string, port string, topics ...string) (*listener, error) {
	socket, err := connected(zmq.SUB, host, port)
	if err != nil {
		return nil, err
	}
	for _, topic := range topics {
		if err := socket.SetSubscribe(topic); err != nil {
			return nil, err
		}
	}
	return &listener{socket}, nil
}

var errNothing = errors.New("nothing was published in time")

// next returns the next publication, or errNothing.
func (l *listener) next(within time.Duration) (string, dict, error) {
	if err := l.socket.SetRcvtimeo(within); err != nil {
		return "", nil, err
	}
	frames, err := l.socket.RecvMessageBytes(0)
	if err != nil {
		return "", nil, errNothing
	}
	if len(frames) != 2 {
		return "", nil, fmt.Errorf("a publication has two frames, not %d", len(frames))
	}
	var said dict
	if err := msgpack.Unmarshal(frames[1], &said); err != nil {
		return "", nil, err
	}
	return string(frames[0]), said, nil
}

func connected(kind zmq.Type, host string, port string) (*zmq.Socket, error) {
	socket, err := zmq.NewSocket(kind)
	if err != nil {
		return nil, err
	}
	if err := socket.SetLinger(0); err != nil {
		return nil, err
	}
	return socket, socket.Connect(fmt.Sprintf("tcp://%s:%s", host, port))
}
