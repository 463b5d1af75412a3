#include "cli/table.h"

#include <fmt/format.h>

#include <algorithm>

namespace maskproof::cli {
namespace {

std::string Padded(const std::string& cell, size_t width, Align align) {
  return align == Align::kLeft ? fmt::format("{:<{}}", cell, width)
                               : fmt::format("{:>{}}", cell, width);
}

// A '|' would end the cell.
std::string EscapedForMarkdown(const std::string& cell) {
  std::string escaped;
  for (const char c : cell) {
    if (c == '|') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

}  // namespace

std::string Table::Text(size_t indent) const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns_.size(); ++i) {
    size_t width = columns_[i].title.size();
    for (const auto& row : rows_) width = std::max(width, row[i].size());
    widths.push_back(width);
  }
  std::string text;
  const auto add_line = [&](const auto& cell_of) {
    std::string line(indent, ' ');
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) line += "  ";
      line += Padded(cell_of(i), widths[i], columns_[i].align);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  };
  add_line([&](size_t i) { return columns_[i].title; });
  add_line([&](size_t i) { return std::string(widths[i], '-'); });
  for (const auto& row : rows_) add_line([&](size_t i) { return row[i]; });
  return text;
}

std::string Table::Markdown() const {
  std::string text = "|";
  for (const Column& column : columns_) text += ' ' + EscapedForMarkdown(column.title) + " |";
  text += "\n|";
  for (const Column& column : columns_) text += column.align == Align::kLeft ? "---|" : "---:|";
  text += '\n';
  for (const auto& row : rows_) {
    text += '|';
    for (const std::string& cell : row) text += ' ' + EscapedForMarkdown(cell) + " |";
    text += '\n';
  }
  return text;
}

}  // namespace maskproof::cli
