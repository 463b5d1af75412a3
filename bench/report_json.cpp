#include <nlohmann/json.hpp>

#include "bench/report.h"

namespace maskproof::bench {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kMilli = 1e3;

template <typename T>
Json OrNull(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json RatioJson(const std::optional<Ratio>& ratio) {
  if (!ratio) return nullptr;
  return {{"to", ratio->to},
          {"median", ratio->summary.median},
          {"lower_quartile", ratio->summary.lower_quartile},
          {"upper_quartile", ratio->summary.upper_quartile},
          {"interval_95", {ratio->interval.low, ratio->interval.high}}};
}

Json RowJson(const Row& row) {
  Json samples = Json::array();
  for (const double seconds : row.seconds) samples.push_back(seconds * kMilli);
  return {{"case", row.CaseName()},
          {"family", row.family},
          {"shape", row.shape},
          {"variant", row.variant},
          {"threads", row.threads},
          {"contender", row.contender},
          {"ours", row.ours},
          {"median_ms", row.time.median * kMilli},
          {"lower_quartile_ms", row.time.lower_quartile * kMilli},
          {"upper_quartile_ms", row.time.upper_quartile * kMilli},
          {"least_ms", row.time.least * kMilli},
          {"gflops", row.gflops},
          {"fma_peak_share", OrNull(row.peak_share)},
          {"read_bandwidth_share", OrNull(row.bandwidth_share)},
          {"speed_over_peer", RatioJson(row.speedup)},
          {"time_over_first_variant", RatioJson(row.over_variant)},
          {"speed_over_first_threads", RatioJson(row.over_threads)},
          {"difference", OrNull(row.difference)},
          {"agrees", row.difference ? Json(*row.difference <= kLargestDifference) : Json(nullptr)},
          {"samples_ms", std::move(samples)}};
}

Json PeakJson(const Peak& peak) {
  const Summary summary = Summarise(peak.values);
  return {{"what", peak.what},
          {"threads", peak.threads},
          {"unit", peak.unit},
          {"median", summary.median},
          {"lower_quartile", summary.lower_quartile},
          {"upper_quartile", summary.upper_quartile},
          {"highest", summary.most}};
}

Json GainJson(const Gain& gain) {
  return {{"family", gain.family},   {"variant", gain.variant},
          {"threads", gain.threads}, {"contender", gain.contender},
          {"to", gain.to},           {"geometric_mean", gain.mean},
          {"least", gain.least},     {"least_shape", gain.least_shape},
          {"shapes", gain.shapes}};
}

template <typename T, typename Convert>
Json Array(const std::vector<T>& values, Convert convert) {
  Json array = Json::array();
  for (const T& value : values) array.push_back(convert(value));
  return array;
}

}  // namespace

std::string ToJson(const Results& results, const MachineInfo& machine,
                   const std::string& maskproof_version) {
  const auto skipped = [](const Skipped& entry) {
    return Json{{"case", entry.name},
                {"threads", entry.threads},
                {"contender", entry.contender},
                {"reason", entry.reason}};
  };
  const Json json = {{"schema", "maskproof-bench/1"},
                     {"maskproof", maskproof_version},
                     {"machine",
                      {{"processor", machine.processor},
                       {"processors", machine.processors},
                       {"best_target", machine.best_target},
                       {"compiler", machine.compiler}}},
                     {"time", TimeKindName(results.time)},
                     {"interrupted", results.interrupted},
                     {"peaks", Array(results.peaks, PeakJson)},
                     {"rows", Array(results.rows, RowJson)},
                     {"gains", Array(Gains(results), GainJson)},
                     {"skipped", Array(results.skipped, skipped)}};
  // A foreign library's message may be no UTF-8.
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace maskproof::bench
