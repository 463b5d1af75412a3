#include "properties/subjects/planted_defect.h"

#include <vector>

#include "properties/subjects/planted_table.h"

namespace maskproof {
namespace planted {

std::span<const DefectEntry> DefectTable() {
  static const std::vector<DefectEntry> table = [] {
    std::vector<DefectEntry> all;
    for (const auto& part : {MaskDefects(), LayoutDefects(), ProductDefects()}) {
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }();
  return table;
}

}  // namespace planted

const std::vector<PlantedDefect>& PlantedDefects() {
  static const std::vector<PlantedDefect> defects = [] {
    std::vector<PlantedDefect> list;
    for (const planted::DefectEntry& entry : planted::DefectTable()) list.push_back(entry.text);
    return list;
  }();
  return defects;
}

}  // namespace maskproof
