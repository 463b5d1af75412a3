#include "properties/subjects/peers/isolated_subject.h"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <utility>

#include "properties/subjects/peers/wire.h"
#include "properties/subjects/peers/worker_process.h"

namespace maskproof::peers {
namespace {

class IsolatedSubject final : public Subject {
 public:
  IsolatedSubject(std::string name, std::string specification, const IsolationOptions& options)
      : name_(std::move(name)), specification_(std::move(specification)), options_(options) {}

  bool Start(std::string& error);
  void SetSupports(const SupportsOfVersion& supports) { supports_ = supports(greeting_.version); }

  const std::string& name() const override { return name_; }
  const std::string& target() const override { return greeting_.target; }
  const Promises& promises() const override { return greeting_.promises; }
  bool Supports(const Case& c) const override { return supports_(c); }
  Outcome Run(const Case& c, const RunRequest& request) override;
  double ProcessorSecondsElsewhere() const override {
    return ended_seconds_ + (worker_ ? worker_->ProcessorSeconds() : 0.0);
  }

 private:
  Outcome Attempt(std::span<const std::byte> request);

  std::string name_;
  std::string specification_;
  IsolationOptions options_;
  peers::Supports supports_;
  Greeting greeting_;
  std::unique_ptr<WorkerProcess> worker_;
  int64_t cases_in_worker_ = 0;
  double ended_seconds_ = 0.0;  // processor time of the workers that have ended
  Writer request_;              // kept for its memory
};

bool IsolatedSubject::Start(std::string& error) {
  worker_ = WorkerProcess::Start(specification_, options_, error);
  if (worker_ == nullptr) return false;
  cases_in_worker_ = 0;
  const std::optional<std::span<const std::byte>> answer =
      worker_->Receive(options_.start_milliseconds);
  Greeting greeting;
  if (!answer) {
    error = "the worker for " + name_ + " did not start: it " + worker_->Autopsy().message;
  } else if (!Decode(*answer, greeting)) {
    error = "the worker for " + name_ + " is of another build";
  } else if (!greeting.error.empty()) {
    error = greeting.error;
  } else {
    greeting_ = std::move(greeting);
    return true;
  }
  worker_.reset();
  return false;
}

Outcome IsolatedSubject::Attempt(std::span<const std::byte> request) {
  Outcome outcome;
  if (std::string error; worker_ == nullptr && !Start(error)) {
    outcome.kind = OutcomeKind::kCrashed;
    outcome.message = "cannot be started again: " + error;
    return outcome;
  }
  ++cases_in_worker_;
  const std::optional<std::span<const std::byte>> answer =
      worker_->Ask(request, options_.run_milliseconds);
  if (answer && Decode(*answer, outcome)) return outcome;
  outcome = worker_->Autopsy();
  ended_seconds_ += worker_->ProcessorSeconds();
  worker_.reset();
  return outcome;
}

Outcome IsolatedSubject::Run(const Case& c, const RunRequest& request) {
  request_.clear();
  Encode(c, request, request_);
  Outcome outcome = Attempt(request_.bytes());
  if (outcome.kind != OutcomeKind::kCrashed || cases_in_worker_ <= 1) return outcome;
  // An earlier case may have damaged the process. Only what happens in a fresh one is this case's.
  Outcome again = Attempt(request_.bytes());
  if (again.kind != OutcomeKind::kCrashed) {
    again.message += again.message.empty() ? "" : "; ";
    again.message += "(from a fresh process: the one before, in which other cases had run, " +
                     outcome.message + ")";
  }
  return again;
}

// A positive number in the environment, or what `value` was.
template <typename T>
bool FromEnvironment(const char* variable, T largest, T& value, std::string& error) {
  const char* const text = std::getenv(variable);
  if (text == nullptr) return true;
  T number{};
  const char* const end = text + std::strlen(text);
  const auto [rest, failure] = std::from_chars(text, end, number);
  if (failure == std::errc{} && rest == end && number >= 1 && number <= largest) {
    value = number;
    return true;
  }
  error = std::string(variable) + ": expected a whole number from 1 to " + std::to_string(largest) +
          ", got '" + text + "'";
  return false;
}

}  // namespace

bool OptionsFromEnvironment(IsolationOptions& options, std::string& error) {
  constexpr int kMostSeconds = std::numeric_limits<int>::max() / 1000;
  constexpr uint64_t kMostMebibytes = uint64_t{1} << 30;
  int seconds = options.run_milliseconds / 1000;
  uint64_t mebibytes = options.memory_bytes >> 20;
  if (!FromEnvironment("MASKPROOF_CASE_SECONDS", kMostSeconds, seconds, error) ||
      !FromEnvironment("MASKPROOF_CASE_MEMORY_MIB", kMostMebibytes, mebibytes, error)) {
    return false;
  }
  options.run_milliseconds = seconds * 1000;
  options.memory_bytes = mebibytes << 20;
  return true;
}

std::unique_ptr<Subject> MakeIsolatedSubject(const std::string& name,
                                             const std::string& specification,
                                             const SupportsOfVersion& supports,
                                             const IsolationOptions& options, std::string& error) {
  auto subject = std::make_unique<IsolatedSubject>(name, specification, options);
  if (!subject->Start(error)) return nullptr;
  subject->SetSupports(supports);
  return subject;
}

}  // namespace maskproof::peers
