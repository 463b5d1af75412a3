// Query, key and value of a case in float64, with what a float32 implementation may have made of
// them (oracle.md, section 3).
#ifndef MASKPROOF_PROPERTIES_ORACLE_OPERANDS_H_
#define MASKPROOF_PROPERTIES_ORACLE_OPERANDS_H_

#include <cstdint>
#include <vector>

#include "properties/case/case.h"
#include "properties/oracle/rounding.h"

namespace maskproof::oracle {

enum class Condition : uint8_t { kGood, kOverflow, kNonFinite };  // worse is larger

// One of the three, (B,N,rows,columns).
struct Operand {
  int64_t heads = 0;
  int64_t rows = 0;
  int64_t columns = 0;
  std::vector<double> value;
  std::vector<double> error;          // |float32 value - value| is at most this
  std::vector<Condition> conditions;  // (B,N,rows)

  void Resize(const Geometry& g, int64_t row_count, int64_t column_count);
  int64_t Row(int64_t batch, int64_t head, int64_t row) const {
    return (batch * heads + head) * rows + row;
  }
  // Raises the condition of a row.
  void Worsen(int64_t row, Condition condition) {
    Condition& current = conditions[static_cast<size_t>(row)];
    current = std::max(current, condition);
  }
  Condition condition(int64_t batch, int64_t head, int64_t row) const {
    return conditions[static_cast<size_t>(Row(batch, head, row))];
  }
  const double* ValueAt(int64_t batch, int64_t head, int64_t row) const {
    return value.data() + Row(batch, head, row) * columns;
  }
  const double* ErrorAt(int64_t batch, int64_t head, int64_t row) const {
    return error.data() + Row(batch, head, row) * columns;
  }
};

struct Operands {
  Operand query;  // rows: S
  Operand key;    // rows: T, the past first
  Operand value;  // rows: T
};

// `operands` may hold another case's: its memory is used again.
void FillOperands(const Case& c, const Geometry& g, const Rounding& rounding, Operands& operands);

// Fills rows [P,T) of key and value, and query: Attention and QAttention (oracle.md (6), (10)).
void ProjectFloat(const Case& c, const Geometry& g, const Rounding& rounding, Operands& operands);
void ProjectQuantized(const Case& c, const Geometry& g, const Rounding& rounding,
                      Operands& operands);

// Where column `column` of the projection goes: which operand, head and lane.
struct Destination {
  Operand* operand;
  int64_t head;
  int64_t lane;
  int64_t first_row;
};
Destination DestinationOf(int64_t column, const Geometry& g, Operands& operands);

}  // namespace maskproof::oracle

#endif  // MASKPROOF_PROPERTIES_ORACLE_OPERANDS_H_
