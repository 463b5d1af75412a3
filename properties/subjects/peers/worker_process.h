// A child process that runs one subject (worker_main.cpp), seen from its parent.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_PEERS_WORKER_PROCESS_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_PEERS_WORKER_PROCESS_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "properties/subjects/peers/channel.h"
#include "properties/subjects/peers/isolated_subject.h"
#include "properties/subjects/subject.h"

namespace maskproof::peers {

// Exit codes by which a worker says why it gave up.
inline constexpr int kWorkerOutOfMemory = 71;
inline constexpr int kWorkerBadRequest = 72;

class WorkerProcess {
 public:
  // Starts maskproof-worker on the specification; null if that is impossible, with the reason.
  static std::unique_ptr<WorkerProcess> Start(const std::string& specification,
                                              const IsolationOptions& options, std::string& error);
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;
  // Ends the process.
  ~WorkerProcess();

  // The worker's next message (its first one is its greeting). Nothing if there was none in time or
  // the worker ended: ask Autopsy.
  std::optional<std::span<const std::byte>> Receive(int timeout_milliseconds);
  // Sends a request and receives its answer.
  std::optional<std::span<const std::byte>> Ask(std::span<const std::byte> request,
                                                int timeout_milliseconds);

  // Ends the process, if it has not ended by itself, and tells how it failed.
  Outcome Autopsy();

  // Processor time that the process has taken, of all its threads. It may have ended.
  double ProcessorSeconds() const;

 private:
  WorkerProcess(pid_t pid, Channel channel, Descriptor messages)
      : pid_(pid), channel_(std::move(channel)), messages_(std::move(messages)) {}

  // Reads what the process has written to its standard error, keeping the end of it.
  void DrainMessages();
  // Kills and reaps. The wait status, or nothing if somebody else has reaped it.
  std::optional<int> Reap();

  pid_t pid_;
  Channel channel_;
  Descriptor messages_;
  std::string tail_;
  uint64_t number_ = 0;
  int waited_ = 0;  // milliseconds that the last Receive was given
  ChannelEvent event_ = ChannelEvent::kReceived;
  double processor_seconds_ = 0.0;  // once the process is reaped
};

}  // namespace maskproof::peers

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_PEERS_WORKER_PROCESS_H_
