// Pieces of an SVG picture.
#ifndef MASKPROOF_BENCH_SVG_H_
#define MASKPROOF_BENCH_SVG_H_

#include <string>
#include <string_view>

namespace maskproof::bench {

// A white picture of this size, in pixels, with the style sheet `style`; "</svg>" must end it.
std::string SvgBegin(double width, double height, std::string_view style);

// `anchor`: "start", "middle" or "end".
std::string SvgText(double x, double y, std::string_view anchor, std::string_view text);

// `style` is a class of the style sheet.
std::string SvgLine(double x1, double y1, double x2, double y2, std::string_view style);

}  // namespace maskproof::bench

#endif  // MASKPROOF_BENCH_SVG_H_
