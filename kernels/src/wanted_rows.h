// Projections of which some rows are not needed in some columns.
#ifndef MASKPROOF_KERNELS_SRC_WANTED_ROWS_H_
#define MASKPROOF_KERNELS_SRC_WANTED_ROWS_H_

#include <algorithm>
#include <cstdint>

#include "panel_order.h"
#include "parallel.h"
#include "sizes.h"

namespace maskproof::kernels {

// Rows, counted from the first of a run, that are wanted of the columns from `first_column` on; the
// columns before are wanted of all. Ascending; null: all rows of all columns.
struct WantedRows {
  const int64_t* rows = nullptr;
  int64_t count = 0;
  int64_t first_column = 0;

  // Of `panels`, those before this are wanted of all rows.
  int64_t FirstPanel(int64_t columns_of_panel, int64_t panels) const {
    if (rows == nullptr) return panels;
    return std::min(panels, DivideRoundingUp(first_column, columns_of_panel));
  }
};

// The panels' wanted rows lie side by side, in the first `wanted.count` of `rows` rows: puts each
// in its place, and zeros between.
inline void SpreadRows(const WantedRows& wanted, const PanelOrder& panels, int64_t columns_of_panel,
                       int64_t rows, float* projected, int64_t stride, ParallelFor* parallel) {
  ForEachTask(parallel, panels.count, [&](int64_t index, int64_t /*worker*/) {
    float* const column = projected + panels.At(index) * columns_of_panel;
    // From the last on: no row comes before its place.
    int64_t next = wanted.count - 1;
    for (int64_t row = rows - 1; row >= 0; --row) {
      if (next < 0 || wanted.rows[next] != row) {
        std::fill_n(column + row * stride, columns_of_panel, 0.0F);
        continue;
      }
      if (next != row) {
        std::copy_n(column + next * stride, columns_of_panel, column + row * stride);
      }
      --next;
    }
  });
}

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_SRC_WANTED_ROWS_H_
