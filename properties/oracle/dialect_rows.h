// The rows of a reference as a dialect has them.
#ifndef MASKPROOF_PROPERTIES_ORACLE_DIALECT_ROWS_H_
#define MASKPROOF_PROPERTIES_ORACLE_DIALECT_ROWS_H_

#include "properties/case/case.h"
#include "properties/oracle/oracle.h"

namespace maskproof::oracle {

// Replaces the rows of `reference`, which is the ideal's, for which some key is masked. Rows that a
// dialect makes NaN are kFullyMasked with a NaN output and a bound of 0. Derivation:
// docs/dialects.md.
void SpeakDialect(const Case& c, const OracleOptions& options, Reference& reference);

}  // namespace maskproof::oracle

#endif  // MASKPROOF_PROPERTIES_ORACLE_DIALECT_ROWS_H_
