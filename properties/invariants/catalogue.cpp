#include "properties/invariants/catalogue.h"

#include "properties/invariants/invariant.h"

namespace maskproof {

std::string CatalogueMarkdown() {
  std::string text = "# Invariants\n";
  for (const Invariant& invariant : Invariants()) {
    text += std::string("\n## ") + invariant.id + "\n\n";
    text += std::string(invariant.law) + "\n\n";
    text += std::string("- Why: ") + invariant.reason + "\n";
    text += std::string("- Tolerance: ") + invariant.tolerance + "\n";
    text += std::string("- Modelled on: ") + invariant.modelled_on + "\n- Operators:";
    for (size_t op = 0; op < kOpCount; ++op) {
      if (!invariant.applies_to(static_cast<Op>(op))) continue;
      text += std::string(" ") + OpName(static_cast<Op>(op));
    }
    if (invariant.domain == Domain::kAny) text += "\n- Takes malformed cases too";
    text += "\n";
  }
  return text;
}

}  // namespace maskproof
