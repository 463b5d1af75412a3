// The catalogue of invariants as text.
#ifndef MASKPROOF_PROPERTIES_INVARIANTS_CATALOGUE_H_
#define MASKPROOF_PROPERTIES_INVARIANTS_CATALOGUE_H_

#include <string>

namespace maskproof {

// One section for each invariant: law, reason, tolerance, operators, the bug behind it.
std::string CatalogueMarkdown();

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_INVARIANTS_CATALOGUE_H_
