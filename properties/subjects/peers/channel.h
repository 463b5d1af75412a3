// One end of the conversation between a subject and its worker: payloads in shared memory, a short
// packet on a socket to say that one is there. The socket also tells when the other end is gone.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_PEERS_CHANNEL_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_PEERS_CHANNEL_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "properties/subjects/peers/shared_region.h"

namespace maskproof::peers {

enum class ChannelEvent : uint8_t {
  kReceived,
  kClosed,  // the other end is gone
  kTimeout,
  kMemory,   // a payload did not fit into memory
  kGarbled,  // the other end sent what it never should
};

class Channel {
 public:
  // Writes to `outgoing`, reads from `incoming`.
  Channel(Descriptor socket, SharedRegion outgoing, SharedRegion incoming)
      : socket_(std::move(socket)),
        outgoing_(std::move(outgoing)),
        incoming_(std::move(incoming)) {}

  // kReceived stands for "sent". Every payload carries a number; an answer carries its request's.
  ChannelEvent Send(std::span<const std::byte> payload, uint64_t number);
  // `payload` is valid until the next message. A negative timeout waits for ever.
  ChannelEvent Receive(int timeout_milliseconds, std::span<const std::byte>& payload,
                       uint64_t& number);

 private:
  Descriptor socket_;
  SharedRegion outgoing_;
  SharedRegion incoming_;
};

}  // namespace maskproof::peers

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_PEERS_CHANNEL_H_
