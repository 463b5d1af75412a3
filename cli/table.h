// A table of words, printed aligned or as Markdown.
#ifndef MASKPROOF_CLI_TABLE_H_
#define MASKPROOF_CLI_TABLE_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace maskproof::cli {

enum class Align : bool { kLeft, kRight };

struct Column {
  Column(std::string column_title, Align alignment = Align::kLeft)
      : title(std::move(column_title)), align(alignment) {}

  std::string title;
  Align align;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // As many cells as there are columns.
  void AddRow(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

  // Each line begins with `indent` spaces.
  std::string Text(size_t indent = 0) const;
  std::string Markdown() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace maskproof::cli

#endif  // MASKPROOF_CLI_TABLE_H_
