#include "properties/oracle/operands.h"

#include <cmath>

#include "properties/case/tensor_of.h"

namespace maskproof::oracle {
namespace {

// Copies one row of given float32 numbers: they are what they are, unless denormals are read as
// zero (oracle.md (5)).
void SetGivenRow(const float* source, int64_t row, const Rounding& rounding, Operand& operand) {
  const int64_t base = row * operand.columns;
  Condition condition = Condition::kGood;
  for (int64_t i = 0; i < operand.columns; ++i) {
    const auto x = static_cast<double>(source[i]);
    const auto cell = static_cast<size_t>(base + i);
    operand.value[cell] = x;
    operand.error[cell] = rounding.FlushedOperand(x);
    if (!std::isfinite(x)) condition = Condition::kNonFinite;
  }
  operand.Worsen(row, condition);
}

void SetGiven(const Tensor& tensor, const Rounding& rounding, Operand& operand) {
  const auto values = tensor.as<float>();
  for (size_t row = 0; row < operand.conditions.size(); ++row) {
    const auto r = static_cast<int64_t>(row);
    SetGivenRow(values.data() + r * operand.columns, r, rounding, operand);
  }
}

void SetPast(const Tensor& past, const Geometry& g, const Rounding& rounding, Operands& operands) {
  const auto values = past.as<float>();
  Operand* const halves[] = {&operands.key, &operands.value};
  const float* source = values.data();
  for (Operand* half : halves) {
    for (int64_t b = 0; b < g.batch; ++b) {
      for (int64_t n = 0; n < g.heads; ++n) {
        for (int64_t t = 0; t < g.past; ++t, source += half->columns) {
          SetGivenRow(source, half->Row(b, n, t), rounding, *half);
        }
      }
    }
  }
}

}  // namespace

void Operand::Resize(const Geometry& g, int64_t row_count, int64_t column_count) {
  heads = g.heads;
  rows = row_count;
  columns = column_count;
  const auto all_rows = static_cast<size_t>(g.batch * heads * rows);
  value.assign(all_rows * static_cast<size_t>(columns), 0.0);
  error.assign(value.size(), 0.0);
  conditions.assign(all_rows, Condition::kGood);
}

Destination DestinationOf(int64_t column, const Geometry& g, Operands& operands) {
  const int64_t d = g.hidden();
  if (column < d)
    return {.operand = &operands.query,
            .head = column / g.head_size,
            .lane = column % g.head_size,
            .first_row = 0};
  if (column < 2 * d) {
    const int64_t k = column - d;
    return {.operand = &operands.key,
            .head = k / g.head_size,
            .lane = k % g.head_size,
            .first_row = g.past};
  }
  const int64_t v = column - 2 * d;
  return {.operand = &operands.value,
          .head = v / g.value_head_size,
          .lane = v % g.value_head_size,
          .first_row = g.past};
}

void FillOperands(const Case& c, const Geometry& g, const Rounding& rounding, Operands& operands) {
  operands.query.Resize(g, g.sequence, g.head_size);
  operands.key.Resize(g, g.total, g.head_size);
  operands.value.Resize(g, g.total, g.value_head_size);
  // A size of zero may stand beside huge ones, which would take for ever to walk through. With rows
  // of query there are rows of key.
  if (operands.key.conditions.empty()) return;
  if (c.op == Op::kCore) {
    SetGiven(TensorOf(c, TensorId::kQuery), rounding, operands.query);
    SetGiven(TensorOf(c, TensorId::kKey), rounding, operands.key);
    SetGiven(TensorOf(c, TensorId::kValue), rounding, operands.value);
    return;
  }
  if (TensorOf(c, TensorId::kPast).size() > 0) {
    SetPast(TensorOf(c, TensorId::kPast), g, rounding, operands);
  }
  // A size of zero may stand beside huge ones, which would take for ever to walk through.
  if (g.batch == 0 || g.sequence == 0) return;
  if (c.op == Op::kAttention) {
    ProjectFloat(c, g, rounding, operands);
  } else {
    ProjectQuantized(c, g, rounding, operands);
  }
}

}  // namespace maskproof::oracle
