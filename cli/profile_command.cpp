#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cli/commands.h"
#include "cli/files.h"
#include "cli/names.h"
#include "cli/table.h"
#include "properties/profile/measure.h"

namespace maskproof::cli {
namespace {

std::string ToJson(const Subject& subject, const MeasuredProfile& measured) {
  const NumericsProfile& p = measured.profile;
  nlohmann::ordered_json json = {
      {"subject", subject.name()},          {"target", subject.target()},
      {"sum_lanes", p.sum_lanes},           {"exp_ulp", p.exp_ulp},
      {"online_block", p.online_block},     {"flush_to_zero", p.flush_to_zero},
      {"product_first", p.product_first},   {"natural_exp", p.natural_exp},
      {"split_products", p.split_products}, {"any_rounding", p.any_rounding}};
  auto& seen = json["seen"] = nlohmann::ordered_json::object();
  for (const ProfileEvidence& field : measured.evidence) seen[field.field] = field.seen;
  return json.dump(2) + "\n";
}

}  // namespace

int RunProfile(const ProfileArguments& arguments) {
  std::string error;
  if (!arguments.json.empty() && !CanWriteFile(arguments.json, error)) return Fail(error);
  const std::unique_ptr<Subject> subject = OpenSubject(arguments.subject);
  if (subject == nullptr) return kExitUsage;
  std::string failure;
  const std::optional<MeasuredProfile> measured = MeasureProfile(*subject, failure);
  if (!measured) {
    return Fail(fmt::format("cannot measure the profile of {}: {}", Printable(subject->name()),
                            Printable(failure)));
  }
  const std::vector<ProfileEvidence> declared = DescribeProfile(subject->promises().profile);
  Table table({{"arithmetic"}, {"declared"}, {"measured"}, {"seen"}});
  for (size_t i = 0; i < measured->evidence.size(); ++i) {
    const ProfileEvidence& field = measured->evidence[i];
    table.AddRow({field.field, declared[i].value, field.value, field.seen});
  }
  fmt::print("{} (target {})\n{}", Printable(subject->name()), Printable(subject->target()),
             table.Text());
  if (!arguments.json.empty() &&
      !WriteFileAtomically(arguments.json, ToJson(*subject, *measured), error)) {
    return Fail(error);
  }
  return kExitClean;
}

}  // namespace maskproof::cli
