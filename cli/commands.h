// The subcommands. Each returns the exit code of the process.
#ifndef MASKPROOF_CLI_COMMANDS_H_
#define MASKPROOF_CLI_COMMANDS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "properties/invariants/invariant.h"
#include "properties/subjects/subject.h"

namespace maskproof::cli {

inline constexpr int kExitClean = 0;
inline constexpr int kExitFindings = 1;
inline constexpr int kExitUsage = 2;        // wrong usage, or something needed cannot be had
inline constexpr int kExitInterrupted = 3;  // before the end, and nothing was found until then

struct CheckArguments {
  std::string subject;
  std::string dialect = "ideal";        // or another of Dialects(), or "claimed"
  std::vector<std::string> ops;         // empty: all
  std::vector<std::string> invariants;  // empty: all
  int64_t cases = 0;                    // per (operator, invariant); 0: no such limit
  std::string time;                     // empty: no limit if `cases` is given, else 10 s
  std::string seed = "1";
  int64_t largest_tokens = 0;     // T of a case; 0: the generator's own limit
  int64_t largest_heads = 0;      // likewise
  int64_t largest_head_size = 0;  // likewise
  std::string json;               // file; empty: none
  std::string out = "maskproof-findings";
  bool measured_profile = false;  // judge by what the subject's arithmetic turns out to be
  bool coverage = false;          // say which corners of the recipes were reached
  std::string ledger;             // file; empty: none
  bool ledger_accept = false;     // write it although something got worse
  bool quiet = false;
};
int RunCheck(const CheckArguments& arguments);

struct ProfileArguments {
  std::string subject;
  std::string json;  // file; empty: none
};
int RunProfile(const ProfileArguments& arguments);

struct ReplayArguments {
  std::vector<std::string> files;  // recipes, or directories of them
  std::string subject;
  std::string dialect = "ideal";        // as for check
  std::vector<std::string> invariants;  // empty: all
  bool quiet = false;
};
int RunReplay(const ReplayArguments& arguments);

struct ListArguments {
  std::string what;  // "subjects", "invariants", "targets" or "dialects"
  bool markdown = false;
};
int RunList(const ListArguments& arguments);

struct ReportArguments {
  std::vector<std::string> files;
  bool markdown = false;
  bool summary = false;  // one row per subject instead of one column
};
int RunReport(const ReportArguments& arguments);

struct ShowArguments {
  std::string file;
};
int RunShow(const ShowArguments& arguments);

struct BenchArguments {
  std::string filter;                // regular expression on case names; empty: all
  std::string shape;                 // "B,S,N,H" instead of the usual shapes; empty: those
  std::vector<std::string> peers;    // the first one is what ratios refer to
  std::vector<std::string> targets;  // empty: the best
  std::vector<int> threads;          // empty: 1
  int64_t rounds = 0;                // of every group; 0: as `time` says
  std::string time;                  // for everything; empty: the usual number of rounds
  std::string json, svg, markdown;   // files; empty: none
  bool cpu_time = false;             // count processor time; one thread only
  bool list = false;                 // only the names of the cases
  bool quiet = false;
};
int RunBench(const BenchArguments& arguments);

struct SharpnessArguments {
  int64_t cases = 2000;  // of each class of data
  std::string seed = "1";
  std::string json, markdown;  // files; empty: none
};
int RunSharpness(const SharpnessArguments& arguments);

struct PowerArguments {
  std::vector<std::string> subjects;  // wrong ones; empty: all planted bugs
  std::vector<std::string> controls;  // correct ones; empty, beside no subjects: ours
  std::string budget = "60s";         // processor time for each subject and way to test
  std::string seed = "1";
  std::string vectors = MASKPROOF_VECTORS;  // folder; where absent, that column says so
  bool no_shrink = false;                   // findings are left as they are
  bool suite_only = false;                  // without vectors and random inputs
  std::string json, svg, markdown;          // files; empty: none
  bool quiet = false;
};
int RunPower(const PowerArguments& arguments);

// ---- shared by the subcommands ----------------------------------------------------------------

// Prints "maskproof: MESSAGE" to standard error and gives kExitUsage.
int Fail(std::string_view message);

// The subject, or null after a message on standard error.
std::unique_ptr<Subject> OpenSubject(const std::string& specification);
// The same, held to a dialect.
std::unique_ptr<Subject> OpenSubject(const std::string& specification, const std::string& dialect);

// The invariants of these ids, all if there are none, each once; false after a message.
bool ChooseInvariants(const std::vector<std::string>& ids, std::vector<const Invariant*>& chosen);

// Everything that `list subjects` shows and MakeSubject takes.
struct SubjectEntry {
  std::string specification;
  std::string what;
};
std::vector<SubjectEntry> KnownSubjects();

}  // namespace maskproof::cli

#endif  // MASKPROOF_CLI_COMMANDS_H_
