// Subjects in a child process: whatever they do there is an outcome here.
#include <gtest/gtest.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill is POSIX
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "properties/base/rng.h"
#include "properties/recipe/recipe.h"
#include "properties/subjects/peers/isolated_subject.h"
#include "properties/subjects/subject.h"

namespace maskproof {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

// Misbehaving subjects act on an odd salt.
Case SmallCase(uint64_t salt) {
  Recipe recipe;
  recipe.batch = 2;
  recipe.sequence = 3;
  recipe.heads = 2;
  recipe.head_size = 4;
  recipe.value_head_size = 4;
  recipe.input_width = 8;  // as wide as the output: the echo is the input
  recipe.salt = salt;
  Normalize(recipe);
  return Expand(recipe);
}
constexpr uint64_t kGood = 0;
constexpr uint64_t kBad = 1;

std::unique_ptr<Subject> Isolated(const std::string& kind, const peers::IsolationOptions& options) {
  const auto supports = [](const std::string& /*version*/) -> peers::Supports {
    return [](const Case& c) { return c.op == Op::kAttention; };
  };
  std::string error;
  const std::string specification = "test:" + kind;
  std::unique_ptr<Subject> subject = peers::MakeIsolatedSubject(
      "isolated:" + specification, specification, supports, options, error);
  EXPECT_NE(subject, nullptr) << error;
  return subject;
}

peers::IsolationOptions Strict() {
  peers::IsolationOptions options;
  options.run_milliseconds = 60'000;  // filling memory takes its time on a busy machine
  options.memory_bytes = uint64_t{256} << 20;
  return options;
}

void ExpectEcho(Subject& subject) {
  const Case c = SmallCase(kGood);
  const Outcome outcome = subject.Run(c);
  ASSERT_EQ(outcome.kind, OutcomeKind::kOutput) << outcome.message;
  EXPECT_EQ(outcome.output.output.bytes, c[TensorId::kInput]->bytes);
}

// The bad case gives `kind` with `phrase` in the message, and the next case is answered.
void ExpectFailure(const std::string& which, OutcomeKind kind, const std::string& phrase,
                   const peers::IsolationOptions& options = Strict()) {
  const std::unique_ptr<Subject> subject = Isolated(which, options);
  ASSERT_NE(subject, nullptr);
  for (int round = 0; round < 2; ++round) {
    ExpectEcho(*subject);
    const Outcome outcome = subject->Run(SmallCase(kBad));
    EXPECT_EQ(outcome.kind, kind) << OutcomeKindName(outcome.kind) << ": " << outcome.message;
    EXPECT_NE(outcome.message.find(phrase), std::string::npos) << outcome.message;
  }
  ExpectEcho(*subject);
}

bool UnderSanitizer() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return true;
#elif defined(__has_feature)
  return __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
  return false;
#endif
}

TEST(Isolation, GoodCasesPass) { ExpectEcho(*Isolated("echo", Strict())); }

TEST(Isolation, Crash) { ExpectFailure("crash", OutcomeKind::kCrashed, "SIGSEGV"); }

TEST(Isolation, AbortWithItsLastWords) {
  ExpectFailure("abort", OutcomeKind::kCrashed, "a failed assertion");
}

TEST(Isolation, Exit) { ExpectFailure("exit", OutcomeKind::kCrashed, "exit code 3"); }

TEST(Isolation, Hang) {
  const auto start = steady_clock::now();
  peers::IsolationOptions options;
  // Also what the good cases between get, on a machine that has other things to do.
  options.run_milliseconds = 2500;
  ExpectFailure("hang", OutcomeKind::kHung, "no answer in 2.5 s", options);
  EXPECT_LT(steady_clock::now() - start, std::chrono::seconds(60));
}

TEST(Isolation, MemoryBlowUp) { ExpectFailure("allocate", OutcomeKind::kExhausted, ""); }

TEST(Isolation, HeapCorruption) { ExpectFailure("corrupt", OutcomeKind::kCrashed, ""); }

TEST(Isolation, ACrashIsBlamedOnTheCaseThatCausesIt) {
  const std::unique_ptr<Subject> subject = Isolated("late-crash", Strict());
  ASSERT_NE(subject, nullptr);
  EXPECT_EQ(subject->Run(SmallCase(kBad)).kind, OutcomeKind::kOutput);
  const Outcome outcome = subject->Run(SmallCase(kGood));
  EXPECT_EQ(outcome.kind, OutcomeKind::kOutput);
  EXPECT_NE(outcome.message.find("fresh process"), std::string::npos) << outcome.message;
}

size_t OpenDescriptors() {
  size_t count = 0;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    static_cast<void>(entry);
    ++count;
  }
  return count;
}

TEST(Isolation, LeavesNoDescriptorAndNoProcessBehind) {
  const size_t before = OpenDescriptors();
  {
    const std::unique_ptr<Subject> subject = Isolated("crash", Strict());
    ASSERT_NE(subject, nullptr);
    for (int i = 0; i < 20; ++i)
      EXPECT_EQ(subject->Run(SmallCase(kBad)).kind, OutcomeKind::kCrashed);
  }
  EXPECT_EQ(OpenDescriptors(), before);
  errno = 0;
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

// The first child of the process's only thread, once it has one.
pid_t ChildOf(pid_t process) {
  const std::string id = std::to_string(process);
  std::ifstream children("/proc/" + id + "/task/" + id + "/children");
  pid_t child = 0;
  children >> child;
  return child;
}

// Running: neither gone nor a zombie.
bool Runs(pid_t process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/stat");
  std::string id;
  std::string name;
  char state = 'X';
  status >> id >> name >> state;
  return state != 'X' && state != 'Z';
}

template <typename Condition>
bool Soon(Condition condition) {
  const auto end = steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

TEST(Isolation, AHungWorkerEndsWithItsParent) {
  const pid_t parent = fork();
  ASSERT_GE(parent, 0);
  if (parent == 0) {
    const std::unique_ptr<Subject> subject = Isolated("hang", {});
    subject->Run(SmallCase(kBad));
    _exit(0);
  }
  pid_t worker = 0;
  EXPECT_TRUE(Soon([&] { return (worker = ChildOf(parent)) > 0; }));
  // Long enough for the worker to be in the middle of the case.
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_TRUE(Runs(worker));
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  EXPECT_TRUE(Soon([&] { return !Runs(worker); }));
}

TEST(Isolation, TheThreadThatStartedAWorkerMayEnd) {
  std::unique_ptr<Subject> subject;
  std::thread([&] { subject = Isolated("echo", Strict()); }).join();
  ASSERT_NE(subject, nullptr);
  const Outcome outcome = subject->Run(SmallCase(kGood));
  EXPECT_EQ(outcome.kind, OutcomeKind::kOutput);
  EXPECT_EQ(outcome.message, "");  // not from a second process
}

TEST(Isolation, NoWorkerIsAnError) {
  const char* const set = std::getenv("MASKPROOF_WORKER");
  const std::string before = set != nullptr ? set : "";
  setenv("MASKPROOF_WORKER", "/nonexistent/worker", 1);
  std::string error;
  EXPECT_EQ(MakeSubject("isolated:test:echo", error), nullptr);
  EXPECT_NE(error.find("/nonexistent/worker"), std::string::npos) << error;
  if (set != nullptr) {
    setenv("MASKPROOF_WORKER", before.c_str(), 1);
  } else {
    unsetenv("MASKPROOF_WORKER");
  }
}

TEST(Isolation, LimitsComeFromTheEnvironment) {
  setenv("MASKPROOF_CASE_SECONDS", "3", 1);
  setenv("MASKPROOF_CASE_MEMORY_MIB", "100", 1);
  peers::IsolationOptions options;
  std::string error;
  EXPECT_TRUE(peers::OptionsFromEnvironment(options, error)) << error;
  EXPECT_EQ(options.run_milliseconds, 3000);
  EXPECT_EQ(options.memory_bytes, uint64_t{100} << 20);
  for (const char* wrong : {"", "x", "-1", "0", "3s", "99999999999999999999"}) {
    setenv("MASKPROOF_CASE_SECONDS", wrong, 1);
    error.clear();
    EXPECT_EQ(MakeSubject("isolated:test:echo", error), nullptr);
    EXPECT_NE(error.find("MASKPROOF_CASE_SECONDS"), std::string::npos)
        << "'" << wrong << "' " << error;
  }
  unsetenv("MASKPROOF_CASE_SECONDS");
  unsetenv("MASKPROOF_CASE_MEMORY_MIB");
}

// The same answers as in this process: outputs, refusals, audits, guard pages.
TEST(Isolation, ProcessorTimeOverThereIsCountedBeyondTheEndOfAProcess) {
  const std::unique_ptr<Subject> subject = Isolated("crash", Strict());
  for (int i = 0; i < 200; ++i) ExpectEcho(*subject);
  const double alive = subject->ProcessorSecondsElsewhere();
  EXPECT_GT(alive, 0.0);
  EXPECT_EQ(subject->Run(SmallCase(kBad)).kind, OutcomeKind::kCrashed);
  const double ended = subject->ProcessorSecondsElsewhere();
  EXPECT_GE(ended, alive);
  ExpectEcho(*subject);
  EXPECT_GE(subject->ProcessorSecondsElsewhere(), ended);
  EXPECT_EQ(MakePlantedSubject("none")->ProcessorSecondsElsewhere(), 0.0);
}

TEST(Isolation, ChangesNoAnswer) {
  std::string error;
  const std::unique_ptr<Subject> here = MakeSubject("kernels", error);
  const std::unique_ptr<Subject> there = MakeSubject("isolated:kernels", error);
  ASSERT_NE(there, nullptr) << error;
  EXPECT_EQ(there->name(), "isolated:kernels");
  EXPECT_EQ(there->target(), here->target());
  EXPECT_EQ(there->promises().reproducible_rows, here->promises().reproducible_rows);
  GenerateOptions options;
  options.allow_faults = true;
  Rng rng(11);
  for (int i = 0; i < 400; ++i) {
    const Case c = Expand(Generate(rng, options));
    const RunRequest request{.placement = static_cast<MemoryPlacement>(i % 3), .audit = i % 2 == 0};
    EXPECT_EQ(there->Supports(c), here->Supports(c));
    const Outcome expected = here->Run(c, request);
    const Outcome got = there->Run(c, request);
    EXPECT_EQ(got.kind, expected.kind) << got.message;
    EXPECT_EQ(got.message, expected.message);
    EXPECT_EQ(got.output, expected.output);
    EXPECT_EQ(got.memory.clean(), expected.memory.clean()) << got.memory.detail;
  }
}

// A large case, so that the shared memory has to grow on both sides.
TEST(Isolation, LargeCasesPass) {
  const std::unique_ptr<Subject> subject = Isolated("echo", Strict());
  ASSERT_NE(subject, nullptr);
  for (const int64_t rows : {1, 100, 10'000, 300'000, 3}) {
    Case c = SmallCase(kGood);
    c[TensorId::kInput] = Tensor(ElementType::kFloat32, {2, rows, 8});
    c[TensorId::kInput]->Set(rows, 1.5);
    const Outcome outcome = subject->Run(c);
    ASSERT_EQ(outcome.kind, OutcomeKind::kOutput) << outcome.message;
    EXPECT_EQ(outcome.output.output.bytes, c[TensorId::kInput]->bytes);
  }
}

TEST(Isolation, RoundTripsAreFast) {
  const std::unique_ptr<Subject> subject = Isolated("echo", Strict());
  ASSERT_NE(subject, nullptr);
  const Case c = SmallCase(kGood);
  constexpr int kRuns = 5000;
  const auto start = steady_clock::now();
  for (int i = 0; i < kRuns; ++i) subject->Run(c);
  const std::chrono::duration<double> taken = steady_clock::now() - start;
  RecordProperty("round_trips_per_second", static_cast<int>(kRuns / taken.count()));
  // A hundredth of what an idle machine does: a poll loop or a restart each time would show.
  if (!UnderSanitizer()) {
    EXPECT_LT(taken.count(), kRuns / 200.0);
  }
}

}  // namespace
}  // namespace maskproof
