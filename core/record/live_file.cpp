#include "core/record/live_file.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <map>

#include "core/record/durable_file.hpp"
#include "core/record/hdf5_handle.hpp"

namespace isorbit::core {
namespace {

using hdf5::check;
using hdf5::Handle;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kChunkBytes = 8192;  // about; a flush writes each chunk with a new row again

std::size_t bytes_of(const LiveTable& table) {
  std::size_t sum = 0;
  for (const LiveColumn& column : table.columns) sum += column.bytes();
  return sum;
}

Handle type_of(const LiveColumn& column, const std::string& where) {
  if (column.kind == LiveColumn::Kind::text) return hdf5::text_type(column.size, where);
  if (column.kind == LiveColumn::Kind::number)
    return {H5Tcopy(H5T_IEEE_F64LE), H5Tclose, where, "make a type of numbers"};
  const hsize_t count = column.size;
  return {H5Tarray_create2(H5T_IEEE_F32LE, 1, &count), H5Tclose, where, "make a type of floats"};
}

Handle type_of(const LiveTable& table, const std::string& where) {
  Handle type(H5Tcreate(H5T_COMPOUND, bytes_of(table)), H5Tclose, where, "make the type of a row");
  std::size_t offset = 0;
  for (const LiveColumn& column : table.columns) {
    const Handle field = type_of(column, where);
    check(H5Tinsert(type.get(), column.name.c_str(), offset, field.get()), where, "add a field");
    offset += column.bytes();
  }
  return type;
}

// Text is cut between characters.
std::size_t length_within(const std::string& text, std::size_t size) {
  std::size_t length = std::min(text.size(), size);
  if (length < text.size())
    while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) --length;
  return length;
}

// Writes the value at `to`, where column.bytes() zeros are.
void pack(const LiveColumn& column, const LiveValue& value, std::byte* to, const std::string& where) {
  const auto* number = std::get_if<double>(&value);
  const auto* text = std::get_if<std::string>(&value);
  const auto* floats = std::get_if<std::vector<float>>(&value);
  if (number != nullptr && column.kind == LiveColumn::Kind::number) {
    std::memcpy(to, number, sizeof *number);
  } else if (text != nullptr && column.kind == LiveColumn::Kind::text) {
    std::memcpy(to, text->data(), length_within(*text, column.size));
  } else if (floats != nullptr && column.kind == LiveColumn::Kind::floats && floats->size() == column.size) {
    std::memcpy(to, floats->data(), floats->size() * sizeof(float));
  } else {
    throw hdf5::Error(where + ": found another kind or number of values for column \"" + column.name + "\"");
  }
}

std::vector<std::byte> packed(const LiveTable& table, std::span<const LiveRow> rows,
                              const std::string& where) {
  std::vector<std::byte> bytes(rows.size() * bytes_of(table));
  std::byte* to = bytes.data();
  for (const LiveRow& row : rows) {
    if (row.size() != table.columns.size())
      throw hdf5::Error(where + ": found a row of " + std::to_string(row.size()) + " values; expected " +
                        std::to_string(table.columns.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      pack(table.columns[i], row[i], to, where);
      to += table.columns[i].bytes();
    }
  }
  return bytes;
}

// What stands in a row that is not written yet.
LiveRow no_row(const LiveTable& table) {
  LiveRow row;
  for (const LiveColumn& column : table.columns) {
    if (column.kind == LiveColumn::Kind::text)
      row.emplace_back(std::string());
    else if (column.kind == LiveColumn::Kind::number)
      row.emplace_back(kNone);
    else
      row.emplace_back(std::vector<float>(column.size, static_cast<float>(kNone)));
  }
  return row;
}

Handle make_dataset(hid_t file, const LiveTable& table, hid_t type, const std::string& where) {
  const std::array<hsize_t, 1> none{0}, any{H5S_UNLIMITED};
  const Handle space(H5Screate_simple(1, none.data(), any.data()), H5Sclose, where, "make a data space");
  const Handle list = hdf5::creation(H5P_DATASET_CREATE, where);
  const std::array<hsize_t, 1> chunk{std::clamp<hsize_t>(kChunkBytes / bytes_of(table), 1, 1024)};
  check(H5Pset_chunk(list.get(), 1, chunk.data()), where, "set chunks");
  const LiveRow nothing = no_row(table);
  const std::vector<std::byte> fill = packed(table, {&nothing, 1}, where);
  check(H5Pset_fill_value(list.get(), type, fill.data()), where, "set what an unwritten row holds");
  const std::string path = "/" + table.path;
  return {
      H5Dcreate2(file, path.c_str(), type, space.get(), hdf5::links(where).get(), list.get(), H5P_DEFAULT),
      H5Dclose, where, "create the table"};
}

// Latest format, which SWMR needs, and no lock: a reader's lock must not stop the writer, and no other
// program has a reason to write here.
Handle access(const std::string& where) {
  Handle list(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, where, "make properties");
  check(H5Pset_libver_bounds(list.get(), H5F_LIBVER_LATEST, H5F_LIBVER_LATEST), where,
        "ask for the latest format");
  check(H5Pset_file_locking(list.get(), false, true), where, "do without locks");
  check(H5Pset_fclose_degree(list.get(), H5F_CLOSE_STRONG), where, "close all with the file");
  return list;
}

struct Stored {
  void append(const void* data, hsize_t count, const std::string& where) {
    const hsize_t first = rows, extent = first + count;
    check(H5Dset_extent(set.get(), &extent), where, "add rows");
    const Handle memory(H5Screate_simple(1, &count, nullptr), H5Sclose, where, "make a data space");
    const Handle space(H5Dget_space(set.get()), H5Sclose, where, "read the shape");
    check(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, &first, nullptr, &count, nullptr), where,
          "select the new rows");
    check(H5Dwrite(set.get(), type.get(), memory.get(), space.get(), H5P_DEFAULT, data), where, "write rows");
    rows = extent;
  }

  LiveTable table;
  Handle type, set;
  hsize_t rows = 0;
};

}  // namespace

std::size_t LiveColumn::bytes() const {
  if (kind == Kind::number) return sizeof(double);
  return kind == Kind::text ? size : size * sizeof(float);
}

struct LiveFile::Open {
  Open(std::filesystem::path path, const std::filesystem::path& part)
      : name(std::move(path)), file(create(part), H5Fclose, name, "create") {}

  static hid_t create(const std::filesystem::path& part) {
    const Handle list = hdf5::creation(H5P_FILE_CREATE, part.string());
    const Handle how = access(part.string());
    return check(H5Fcreate(part.c_str(), H5F_ACC_EXCL, list.get(), how.get()), part.string(), "create");
  }

  void make(const LiveTable& table) {
    const std::string where = hdf5::place(name, "/" + table.path);
    Handle type = type_of(table, where);
    Handle set = make_dataset(file.get(), table, type.get(), where);
    tables.emplace(table.path, Stored{table, std::move(type), std::move(set)});
  }

  template <class Body>
  void attempt(const Body& body) {
    if (broken) throw hdf5::Error(name + ": cannot write: it failed before");
    try {
      body();
    } catch (...) {
      abandon();
      throw;
    }
  }

  // After an error the library can neither write nor close: closing would write again.
  void abandon() {
    for (auto& [path, stored] : tables) stored.set.abandon();
    file.abandon();
    broken = true;
  }

  std::string name;
  Handle file;
  std::map<std::string, Stored> tables;  // closed before the file
  bool broken = false;
};

LiveFile::LiveFile(std::filesystem::path file, const std::vector<LiveTable>& tables) {
  const auto held = hdf5::alone();
  const hdf5::Quiet quiet;
  if (std::filesystem::exists(file))
    throw hdf5::Error(file.string() + ": cannot create: it is there already");
  const std::filesystem::path part = part_of(file);
  open_ = std::make_unique<Open>(file, part);
  try {
    for (const LiveTable& table : tables) open_->make(table);
    check(H5Fflush(open_->file.get(), H5F_SCOPE_GLOBAL), open_->name, "flush");
    check(H5Fstart_swmr_write(open_->file.get()), open_->name, "let readers in");
    std::filesystem::rename(part, file);
  } catch (...) {
    std::error_code ignored;
    open_->abandon();
    std::filesystem::remove(part, ignored);
    throw;
  }
}

LiveFile::~LiveFile() {
  const auto held = hdf5::alone();
  const hdf5::Quiet quiet;
  if (!open_->broken && H5Fflush(open_->file.get(), H5F_SCOPE_GLOBAL) < 0) open_->abandon();
  open_.reset();
}

void LiveFile::append(const std::string& table, std::span<const LiveRow> rows) {
  const auto held = hdf5::alone();
  const hdf5::Quiet quiet;
  const std::string where = hdf5::place(open_->name, "/" + table);
  const auto found = open_->tables.find(table);
  if (found == open_->tables.end()) throw hdf5::Error(where + ": found rows of a table that was not made");
  Stored& stored = found->second;
  const std::vector<std::byte> bytes = packed(stored.table, rows, where);
  open_->attempt([&] { stored.append(bytes.data(), rows.size(), where); });
}

void LiveFile::flush() {
  const auto held = hdf5::alone();
  const hdf5::Quiet quiet;
  open_->attempt([&] { check(H5Fflush(open_->file.get(), H5F_SCOPE_GLOBAL), open_->name, "flush"); });
}

}  // namespace isorbit::core
