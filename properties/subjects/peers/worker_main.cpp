// maskproof-worker: runs one subject on the cases that its parent sends. Started by WorkerProcess
// only: maskproof-worker SOCKET REQUESTS ANSWERS PARENT-PID MEMORY-BYTES SPECIFICATION
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "properties/subjects/peers/channel.h"
#include "properties/subjects/peers/specification.h"
#include "properties/subjects/peers/wire.h"
#include "properties/subjects/peers/worker_process.h"

namespace maskproof::peers {
namespace {

volatile pid_t parent_process = 0;

// The signal also comes when only the thread that started us ends; then there is no reason to go.
extern "C" void OnParentSignal(int /*number*/) {
  if (getppid() != parent_process) _exit(0);
}

// Ends this process when its parent does, even in the middle of a case.
void FollowParent(pid_t parent) {
  parent_process = parent;
  struct sigaction action{};
  action.sa_handler = OnParentSignal;
  action.sa_flags = SA_RESTART;
  sigaction(SIGHUP, &action, nullptr);
  prctl(PR_SET_PDEATHSIG, SIGHUP);
  if (getppid() != parent) _exit(0);  // it ended before the call above
}

// Address space of this process now, in bytes.
uint64_t AddressSpace() {
  std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen("/proc/self/statm", "re"), &std::fclose);
  unsigned long long pages = 0;
  if (file == nullptr || std::fscanf(file.get(), "%llu", &pages) != 1) return 0;
  return pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

void LimitMemory(uint64_t bytes) {
  const uint64_t now = AddressSpace();
  if (now == 0) return;
  const rlimit limit{now + bytes, RLIM_INFINITY};
  setrlimit(RLIMIT_AS, &limit);
}

void NoCoreDump() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
}

template <typename T>
std::optional<T> Number(std::string_view text) {
  T value{};
  const auto [rest, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || rest != text.data() + text.size()) return std::nullopt;
  return value;
}

Greeting GreetingOf(const LocalSubject& local, const std::string& error) {
  Greeting greeting;
  greeting.error = error;
  if (local.subject == nullptr) return greeting;
  greeting.target = local.subject->target();
  greeting.version = local.version;
  greeting.promises = local.subject->promises();
  return greeting;
}

// Until the parent closes its end. The exit code.
int Serve(Channel& channel, Subject& subject) {
  Writer answer;
  while (true) {
    std::span<const std::byte> payload;
    uint64_t number = 0;
    const ChannelEvent event = channel.Receive(-1, payload, number);
    if (event == ChannelEvent::kClosed) return EXIT_SUCCESS;
    Case c;
    RunRequest request;
    if (event != ChannelEvent::kReceived || !Decode(payload, c, request)) return kWorkerBadRequest;
    const Outcome outcome = subject.Run(c, request);
    answer.clear();
    Encode(outcome, answer);
    if (channel.Send(answer.bytes(), number) == ChannelEvent::kMemory) return kWorkerOutOfMemory;
  }
}

int Work(std::span<char*> arguments) {
  if (arguments.size() != 7) {
    std::fputs("maskproof-worker is started by maskproof, not by hand\n", stderr);
    return kWorkerBadRequest;
  }
  const auto socket = Number<int>(arguments[1]);
  const auto requests = Number<int>(arguments[2]);
  const auto answers = Number<int>(arguments[3]);
  const auto parent = Number<pid_t>(arguments[4]);
  const auto memory = Number<uint64_t>(arguments[5]);
  if (!socket || !requests || !answers || !parent || !memory) return kWorkerBadRequest;
  FollowParent(*parent);
  NoCoreDump();

  // Static, and so never destroyed: closed by the end of the process and not before, it tells the
  // parent that the exit code is there.
  static Channel channel{Descriptor(*socket), SharedRegion(Descriptor(*answers)),
                         SharedRegion(Descriptor(*requests))};
  std::string error;
  const LocalSubject local = MakeLocalSubject(arguments[6], error);
  Writer greeting;
  Encode(GreetingOf(local, error), greeting);
  // What the limit leaves is for the cases, whatever the subject took to load.
  LimitMemory(*memory);
  if (channel.Send(greeting.bytes(), 0) != ChannelEvent::kReceived || local.subject == nullptr) {
    return EXIT_FAILURE;
  }
  return Serve(channel, *local.subject);
}

}  // namespace
}  // namespace maskproof::peers

int main(int argc, char** argv) {
  int code = maskproof::peers::kWorkerOutOfMemory;
  try {
    code = maskproof::peers::Work(std::span(argv, static_cast<size_t>(argc)));
  } catch (const std::bad_alloc&) {
    code = maskproof::peers::kWorkerOutOfMemory;
  }
  // Destructors of foreign libraries are not to be run in a process that they may have damaged.
  _exit(code);
}
