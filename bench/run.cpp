#include "bench/run.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <list>
#include <map>
#include <span>
#include <string>
#include <utility>

#include "bench/machine.h"
#include "maskproof/kernels/execution.h"

namespace maskproof::bench {
namespace {

// A short call is timed many times over.
constexpr double kShortestTurn = 5e-3;
// All but long calls come after one that warms the caches up for them.
constexpr double kLongCall = 10.0 * kShortestTurn;
constexpr double kMostCalls = 1000.0;
constexpr int64_t kFewestRounds = 3;
constexpr int64_t kMostRounds = 200;
constexpr int64_t kDefaultRounds = 15;

// A contender in the race, with what came of it.
struct Entry {
  std::unique_ptr<Contender> contender;
  const Implementation* implementation = nullptr;
  const Problem* problem = nullptr;
  size_t calls = 1;               // in a turn
  bool warms_up = true;           // by one call more, before
  std::vector<double> peaks;      // GFLOP/s, before each turn
  std::vector<double> bandwidth;  // share of reading, in each round
  Row row;
};

double LargestDifference(std::span<const float> a, std::span<const float> b) {
  double largest = 0.0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (std::isnan(difference)) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, difference);
  }
  return largest;
}

class GroupRun {
 public:
  GroupRun(const Group& group, const RunOptions& options, Results& results)
      : group_(group), options_(options), results_(results) {
    for (const int threads : options.threads) {
      if (threads > 1) pools_[threads] = kernels::MakeThreadPool(static_cast<size_t>(threads));
    }
  }

  void Run() {
    for (const Spec& spec : group_.specs) Enter(problems_.emplace_back(MakeProblem(spec)));
    if (entries_.empty()) return;
    results_.time = options_.time;
    const Stopwatch elapsed(TimeKind::kWall);
    for (int64_t round = 0; !Enough(round, elapsed); ++round) {
      if (!Round(round % 2 == 1)) break;
    }
    for (Entry& entry : entries_) Conclude(entry);
  }

 private:
  bool Enough(int64_t round, const Stopwatch& elapsed) {
    if (options_.cancelled()) results_.interrupted = true;
    if (results_.interrupted) return true;
    if (options_.rounds) return round >= *options_.rounds;
    if (!options_.seconds) return round >= kDefaultRounds;
    if (round < kFewestRounds) return false;
    return round >= kMostRounds || elapsed.Seconds() >= *options_.seconds;
  }

  void Skip(const Problem& problem, const Implementation& implementation, int threads,
            std::string reason) {
    results_.skipped.push_back({.name = CaseName(group_, problem.spec),
                                .contender = implementation.name(),
                                .reason = std::move(reason),
                                .threads = threads});
  }

  // Prepares everybody for a problem, and looks whether all compute the same.
  void Enter(const Problem& problem) {
    for (const int threads : options_.threads) {
      const Entry* first = nullptr;
      for (const auto& implementation : options_.implementations) {
        if (!implementation->AppliesTo(problem.spec.work)) continue;
        std::string error;
        Entry entry;
        entry.contender = implementation->Prepare(problem, threads, error);
        if (entry.contender == nullptr || !WarmUp(entry, error)) {
          Skip(problem, *implementation, threads, error);
          continue;
        }
        entry.implementation = implementation.get();
        entry.problem = &problem;
        entry.row.family = group_.family;
        entry.row.shape = problem.spec.shape.Name();
        entry.row.variant = problem.spec.variant;
        entry.row.contender = implementation->name();
        entry.row.ours = implementation->ours();
        entry.row.threads = threads;
        if (first != nullptr) {
          entry.row.difference =
              LargestDifference(first->contender->output(), entry.contender->output());
        }
        entries_.push_back(std::move(entry));
        if (first == nullptr) first = &entries_.back();
      }
    }
  }

  // Finds out how many calls make a turn. The first call may pay for much that later ones do not,
  // so it only counts if it is long anyway.
  bool WarmUp(Entry& entry, std::string& error) const {
    double once = 0.0;
    for (int call = 0; call < 2 && once < kLongCall; ++call) {
      const Stopwatch stopwatch(options_.time);
      if (!entry.contender->Run(error)) return false;
      once = std::max(stopwatch.Seconds(), 1e-7);
    }
    entry.warms_up = once < kLongCall;
    entry.calls = static_cast<size_t>(std::clamp(std::ceil(kShortestTurn / once), 1.0, kMostCalls));
    return true;
  }

  // Everybody's turn; backwards in every other round, so that nobody always follows the same one.
  bool Round(bool backwards) {
    std::vector<Entry*> order;
    for (Entry& entry : entries_) order.push_back(&entry);
    if (backwards) std::ranges::reverse(order);
    for (Entry* const entry : order) {
      double seconds = 0.0;
      entry->peaks.push_back(MeasurePeak(*entry));
      if (!Turn(*entry, seconds)) return false;
      entry->row.seconds.push_back(seconds);
      if (entry->problem->bytes > 0.0) {
        entry->bandwidth.push_back(entry->problem->bytes / seconds * 1e-9 / Reading(*entry));
      }
    }
    return true;
  }

  bool Turn(Entry& entry, double& seconds) {
    std::string error;
    bool ok = !entry.warms_up || entry.contender->Run(error);
    const Stopwatch stopwatch(options_.time);
    for (size_t call = 0; call < entry.calls; ++call) ok = entry.contender->Run(error) && ok;
    seconds = stopwatch.Seconds() / static_cast<double>(entry.calls);
    if (!ok) Skip(*entry.problem, *entry.implementation, entry.row.threads, error);
    return ok;
  }

  static const kernels::Target& PeakTarget(const Entry& entry) {
    for (const kernels::Target& target : kernels::SupportedTargets()) {
      if (target.id == entry.implementation->target()) return target;
    }
    return kernels::SupportedTargets().front();
  }

  Peak& PeakNamed(const std::string& what, const char* unit, int threads) {
    for (Peak& peak : results_.peaks) {
      if (peak.what == what && peak.threads == threads) return peak;
    }
    return results_.peaks.emplace_back(
        Peak{.what = what, .unit = unit, .threads = threads, .values = {}});
  }

  Peak& FmaPeak(const kernels::Target& target, int threads) {
    return PeakNamed("FMA " + std::string(target.name), "GFLOP/s", threads);
  }

  double MeasurePeak(const Entry& entry) {
    const kernels::Target& target = PeakTarget(entry);
    const int threads = entry.row.threads;
    const double peak = MeasureFmaPeak(target.id, pools_[threads].get(), options_.time);
    FmaPeak(target, threads).values.push_back(peak);
    return peak;
  }

  // Of the very bytes that the entry has just read, with the best target; as often as it.
  double Reading(const Entry& entry) {
    const int threads = entry.row.threads;
    double total = 0.0;
    for (size_t call = 0; call < entry.calls; ++call) {
      total +=
          1.0 / MeasureReading(entry.problem->key.as<float>(), entry.problem->value.as<float>(),
                               kernels::SupportedTargets().front().id, pools_[threads].get(),
                               options_.time);
    }
    const double bandwidth = static_cast<double>(entry.calls) / total;
    PeakNamed("reading " + CaseName(group_, entry.problem->spec), "GB/s", threads)
        .values.push_back(bandwidth);
    return bandwidth;
  }

  // numerator / denominator, round by round.
  static Ratio RatioOf(std::string to, const std::vector<double>& numerator,
                       const std::vector<double>& denominator) {
    std::vector<double> ratios;
    const size_t rounds = std::min(numerator.size(), denominator.size());
    ratios.reserve(rounds);
    for (size_t r = 0; r < rounds; ++r) ratios.push_back(numerator[r] / denominator[r]);
    return {.to = std::move(to), .summary = Summarise(ratios), .interval = BootstrapMedian(ratios)};
  }

  void Conclude(Entry& entry) {
    Row& row = entry.row;
    row.time = Summarise(row.seconds);
    if (row.seconds.empty()) return;
    row.gflops = entry.problem->flops / row.time.median * 1e-9;
    std::vector<double> shares;
    shares.reserve(row.seconds.size());
    for (size_t r = 0; r < row.seconds.size(); ++r) {
      shares.push_back(entry.problem->flops / row.seconds[r] * 1e-9 / entry.peaks[r]);
    }
    row.peak_share = Summarise(shares).median;
    if (!entry.bandwidth.empty()) row.bandwidth_share = Summarise(entry.bandwidth).median;
    const Entry* const peer = Find([&](const Entry& other) {
      return !other.implementation->ours() && other.problem == entry.problem &&
             other.row.threads == row.threads;
    });
    if (peer != nullptr && peer != &entry) {
      row.speedup = RatioOf(peer->row.contender, peer->row.seconds, row.seconds);
    }
    const Entry* const plain = Find([&](const Entry& other) {
      return other.implementation == entry.implementation && other.row.threads == row.threads;
    });
    if (plain != &entry) {
      row.over_variant = RatioOf(plain->row.variant, row.seconds, plain->row.seconds);
    }
    const Entry* const alone = Find([&](const Entry& other) {
      return other.implementation == entry.implementation && other.problem == entry.problem;
    });
    if (alone != &entry) {
      row.over_threads =
          RatioOf(std::to_string(alone->row.threads), alone->row.seconds, row.seconds);
    }
    results_.rows.push_back(row);
  }

  // The first such entry; null if there is none.
  template <typename Predicate>
  const Entry* Find(const Predicate& matches) const {
    const auto found = std::ranges::find_if(entries_, matches);
    return found != entries_.end() ? &*found : nullptr;
  }

  const Group& group_;
  const RunOptions& options_;
  Results& results_;
  std::map<int, std::unique_ptr<kernels::ParallelFor>> pools_;
  std::list<Problem> problems_;  // entries point into these
  std::list<Entry> entries_;
};

}  // namespace

void RunGroup(const Group& group, const RunOptions& options, Results& results) {
  GroupRun(group, options, results).Run();
}

std::vector<Gain> Gains(const Results& results) {
  std::vector<Gain> gains;
  std::vector<std::vector<double>> ratios;
  for (const Row& row : results.rows) {
    if (!row.ours || !row.speedup) continue;
    const double ratio = row.speedup->summary.median;
    size_t i = 0;
    while (i < gains.size() &&
           (gains[i].family != row.family || gains[i].variant != row.variant ||
            gains[i].contender != row.contender || gains[i].threads != row.threads ||
            gains[i].to != row.speedup->to)) {
      ++i;
    }
    if (i == gains.size()) {
      Gain& gain = gains.emplace_back();
      gain.family = row.family;
      gain.variant = row.variant;
      gain.contender = row.contender;
      gain.to = row.speedup->to;
      gain.threads = row.threads;
      ratios.emplace_back();
    }
    ratios[i].push_back(ratio);
    if (gains[i].shapes++ == 0 || ratio < gains[i].least) {
      gains[i].least = ratio;
      gains[i].least_shape = row.shape;
    }
    gains[i].mean = GeometricMean(ratios[i]);
  }
  return gains;
}

}  // namespace maskproof::bench
