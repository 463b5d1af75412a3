#include "properties/subjects/peers/channel.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <limits>
#include <optional>

namespace maskproof::peers {
namespace {

using Clock = std::chrono::steady_clock;

struct Packet {
  uint64_t size = 0;
  uint64_t number = 0;
};

// Waits until something can be read, signals notwithstanding. False if the time is up.
bool WaitReadable(int socket, int timeout_milliseconds) {
  const Clock::time_point deadline = Clock::now() + std::chrono::milliseconds(timeout_milliseconds);
  int left = timeout_milliseconds;
  while (true) {
    pollfd entry{socket, POLLIN, 0};
    const int ready = poll(&entry, 1, left);
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return true;  // recv will say what is wrong
    if (timeout_milliseconds < 0) continue;
    const auto rest =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (rest <= 0) return false;
    left = static_cast<int>(std::min<int64_t>(rest, std::numeric_limits<int>::max()));
  }
}

}  // namespace

ChannelEvent Channel::Send(std::span<const std::byte> payload, uint64_t number) {
  if (!outgoing_.Write(payload)) return ChannelEvent::kMemory;
  const Packet packet{payload.size(), number};
  ssize_t sent = 0;
  do {
    sent = send(socket_.get(), &packet, sizeof(packet), MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(sizeof(packet)) ? ChannelEvent::kReceived
                                                      : ChannelEvent::kClosed;
}

ChannelEvent Channel::Receive(int timeout_milliseconds, std::span<const std::byte>& payload,
                              uint64_t& number) {
  if (!WaitReadable(socket_.get(), timeout_milliseconds)) return ChannelEvent::kTimeout;
  Packet packet;
  ssize_t received = 0;
  do {
    received = recv(socket_.get(), &packet, sizeof(packet), MSG_TRUNC);
  } while (received < 0 && errno == EINTR);
  if (received <= 0) return ChannelEvent::kClosed;
  if (received != static_cast<ssize_t>(sizeof(packet))) return ChannelEvent::kGarbled;
  const std::optional<std::span<const std::byte>> bytes = incoming_.Read(packet.size);
  if (!bytes) return ChannelEvent::kGarbled;
  payload = *bytes;
  number = packet.number;
  return ChannelEvent::kReceived;
}

}  // namespace maskproof::peers
