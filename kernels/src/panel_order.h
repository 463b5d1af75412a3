// Which panels of a projection are done one after the other.
#ifndef MASKPROOF_KERNELS_SRC_PANEL_ORDER_H_
#define MASKPROOF_KERNELS_SRC_PANEL_ORDER_H_

#include <cstdint>

namespace maskproof::kernels {

// The panels [first, first + count), of which each of `sections` parts belongs to another of query,
// key and value. What is a head's in them comes together: a worker takes neighbours, and finds in
// its own cache what it has projected when it comes to the head.
struct PanelOrder {
  int64_t first = 0;
  int64_t count = 0;
  int64_t sections = 1;  // a divisor of count

  // Of [first_panel, last_panel) out of `panels`, taken as a third each for query, key and value.
  static PanelOrder Of(int64_t first_panel, int64_t last_panel, int64_t panels) {
    PanelOrder order{.first = first_panel, .count = last_panel - first_panel};
    const int64_t section = panels / 3;
    if (panels % 3 == 0 && order.count > 0 && order.count % section == 0) {
      order.sections = order.count / section;
    }
    return order;
  }

  int64_t At(int64_t index) const {
    return first + index % sections * (count / sections) + index / sections;
  }
};

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_SRC_PANEL_ORDER_H_
