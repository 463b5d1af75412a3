#include "properties/subjects/peers/worker_process.h"

#include <fcntl.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill and sigset are POSIX
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <system_error>
#include <utility>

#include "properties/subjects/peers/locate.h"

namespace maskproof::peers {
namespace {

constexpr size_t kTailLength = 400;

// Standard streams of the child, its end of the channel, and a process group of its own, so that
// an interrupt from the terminal is not taken for a crash.
class SpawnSetup {
 public:
  SpawnSetup() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;
  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }

  void SendMessagesTo(int fd) { posix_spawn_file_actions_adddup2(&actions_, fd, STDERR_FILENO); }
  // The child gets it under the same number: to itself, dup2 only clears close-on-exec.
  void Inherit(int fd) { posix_spawn_file_actions_adddup2(&actions_, fd, fd); }

  int Spawn(const std::vector<std::string>& arguments, pid_t& pid) {
    std::vector<char*> pointers;
    pointers.reserve(arguments.size() + 1);
    for (const std::string& argument : arguments) {
      pointers.push_back(const_cast<char*>(argument.c_str()));
    }
    pointers.push_back(nullptr);
    return posix_spawn(&pid, pointers[0], &actions_, &attributes_, pointers.data(), environ);
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

std::string ErrorText(int code) { return std::generic_category().message(code); }

// What lies above the standard streams, so that giving the child its own overwrites nothing.
Descriptor Lifted(int fd) {
  Descriptor low(fd);
  if (fd > STDERR_FILENO || fd < 0) return low;
  return Descriptor(fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

// A program that runs out of memory dies by its own hand, and says why.
bool MentionsMemory(const std::string& text) {
  constexpr std::array<const char*, 4> kPhrases = {"bad_alloc", "out of memory", "allocate memory",
                                                   "failed to allocate"};
  return std::ranges::any_of(
      kPhrases, [&text](const char* phrase) { return text.find(phrase) != std::string::npos; });
}

double Seconds(const timeval& time) {
  constexpr double kMicro = 1e-6;
  return static_cast<double>(time.tv_sec) + kMicro * static_cast<double>(time.tv_usec);
}

std::string Seconds(int milliseconds) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g s", milliseconds / 1000.0);
  return text.data();
}

Outcome Failure(OutcomeKind kind, std::string message) {
  Outcome outcome;
  outcome.kind = kind;
  outcome.message = std::move(message);
  return outcome;
}

Outcome Ended(int status, const std::string& tail) {
  if (WIFSIGNALED(status)) {
    const int number = WTERMSIG(status);
    const char* const name = sigabbrev_np(number);
    std::string text = "died of ";
    text += name != nullptr ? "SIG" : "signal ";
    text += name != nullptr ? name : std::to_string(number);
    const bool memory = number == SIGABRT && MentionsMemory(tail);
    return Failure(memory ? OutcomeKind::kExhausted : OutcomeKind::kCrashed, std::move(text));
  }
  const int code = WEXITSTATUS(status);
  if (code == kWorkerOutOfMemory) return Failure(OutcomeKind::kExhausted, "ran out of memory");
  return Failure(MentionsMemory(tail) ? OutcomeKind::kExhausted : OutcomeKind::kCrashed,
                 "ended with exit code " + std::to_string(code));
}

}  // namespace

std::unique_ptr<WorkerProcess> WorkerProcess::Start(const std::string& specification,
                                                    const IsolationOptions& options,
                                                    std::string& error) {
  const std::string program = WorkerProgram();
  std::array<int, 2> sockets{-1, -1};
  std::array<int, 2> pipes{-1, -1};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets.data()) != 0) {
    error = "no socket for a worker: " + ErrorText(errno);
    return nullptr;
  }
  Descriptor ours = Lifted(sockets[0]);
  const Descriptor theirs = Lifted(sockets[1]);
  if (pipe2(pipes.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
    error = "no pipe for a worker: " + ErrorText(errno);
    return nullptr;
  }
  Descriptor messages = Lifted(pipes[0]);
  const Descriptor messages_in = Lifted(pipes[1]);
  std::optional<SharedRegion> requests = SharedRegion::Create("maskproof-requests");
  std::optional<SharedRegion> answers = SharedRegion::Create("maskproof-answers");
  if (!requests || !answers || !ours.valid() || !theirs.valid() || !messages.valid() ||
      !messages_in.valid()) {
    error = "no shared memory for a worker: " + ErrorText(errno);
    return nullptr;
  }

  SpawnSetup setup;
  setup.SendMessagesTo(messages_in.get());
  for (const int fd : {theirs.get(), requests->descriptor(), answers->descriptor()}) {
    setup.Inherit(fd);
  }
  pid_t pid = -1;
  const int failure =
      setup.Spawn({program, std::to_string(theirs.get()), std::to_string(requests->descriptor()),
                   std::to_string(answers->descriptor()), std::to_string(getpid()),
                   std::to_string(options.memory_bytes), specification},
                  pid);
  if (failure != 0) {
    error = "cannot run " + program + ": " + ErrorText(failure) +
            " (build the target maskproof-worker, or set MASKPROOF_WORKER)";
    return nullptr;
  }
  return std::unique_ptr<WorkerProcess>(
      new WorkerProcess(pid, Channel(std::move(ours), std::move(*requests), std::move(*answers)),
                        std::move(messages)));
}

WorkerProcess::~WorkerProcess() { Reap(); }

std::optional<std::span<const std::byte>> WorkerProcess::Receive(int timeout_milliseconds) {
  std::span<const std::byte> payload;
  uint64_t number = 0;
  waited_ = timeout_milliseconds;
  event_ = channel_.Receive(timeout_milliseconds, payload, number);
  if (event_ == ChannelEvent::kReceived && number != number_) event_ = ChannelEvent::kGarbled;
  if (event_ != ChannelEvent::kReceived) return std::nullopt;
  return payload;
}

std::optional<std::span<const std::byte>> WorkerProcess::Ask(std::span<const std::byte> request,
                                                             int timeout_milliseconds) {
  DrainMessages();  // a full pipe would lose the last words, which count
  ++number_;
  event_ = channel_.Send(request, number_);
  if (event_ != ChannelEvent::kReceived) return std::nullopt;
  return Receive(timeout_milliseconds);
}

Outcome WorkerProcess::Autopsy() {
  const std::optional<int> status = Reap();
  DrainMessages();
  Outcome outcome;
  switch (event_) {
    case ChannelEvent::kTimeout:
      outcome = Failure(OutcomeKind::kHung, "no answer in " + Seconds(waited_));
      break;
    case ChannelEvent::kMemory:
      outcome = Failure(OutcomeKind::kExhausted, "no shared memory for the case");
      break;
    case ChannelEvent::kReceived:
    case ChannelEvent::kGarbled:
      outcome = Failure(OutcomeKind::kCrashed, "gave an answer that cannot be read");
      break;
    case ChannelEvent::kClosed:
      outcome = status ? Ended(*status, tail_)
                       : Failure(OutcomeKind::kCrashed, "ended, nobody knows how");
      break;
  }
  if (!tail_.empty()) outcome.message += "; its last words: " + tail_;
  return outcome;
}

void WorkerProcess::DrainMessages() {
  std::array<char, 4096> chunk;
  while (true) {
    const ssize_t got = read(messages_.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    tail_.append(chunk.data(), static_cast<size_t>(got));
    if (tail_.size() > kTailLength) tail_.erase(0, tail_.size() - kTailLength);
  }
  std::ranges::replace(tail_, '\n', ' ');
  while (!tail_.empty() && tail_.back() == ' ') tail_.pop_back();
}

std::optional<int> WorkerProcess::Reap() {
  if (pid_ < 0) return std::nullopt;
  // Does nothing to the status of a process that is ending already.
  kill(pid_, SIGKILL);
  int status = 0;
  pid_t reaped = 0;
  rusage usage{};
  do {
    reaped = wait4(pid_, &status, 0, &usage);
  } while (reaped < 0 && errno == EINTR);
  pid_ = -1;
  if (reaped < 0) return std::nullopt;
  processor_seconds_ = Seconds(usage.ru_utime) + Seconds(usage.ru_stime);
  return status;
}

double WorkerProcess::ProcessorSeconds() const {
  clockid_t clock{};
  timespec time{};
  if (pid_ < 0) return processor_seconds_;
  if (clock_getcpuclockid(pid_, &clock) != 0 || clock_gettime(clock, &time) != 0) return 0.0;
  constexpr double kNano = 1e-9;
  return static_cast<double>(time.tv_sec) + kNano * static_cast<double>(time.tv_nsec);
}

}  // namespace maskproof::peers
