// Sealed files that HDF5 itself takes, laid out as nobody would: three bytes an object, which say where it
// is, what it is and what shape it has. They are read or refused; what is read and can be written comes back.
#include <hdf5.h>

#include <array>

#include "core/record/hdf5.hpp"
#include "core/record/run_file.hpp"
#include "tests/fuzz/scratch.hpp"

namespace isorbit::fuzz {
namespace {

constexpr std::array paths = {"/config",
                              "/provenance",
                              "/train",
                              "/train/step",
                              "/train/loss",
                              "/event/kind",
                              "/spectrum",
                              "/spectrum/w/step",
                              "/spectrum/w/singular_values",
                              "/spectrum/w/rank",
                              "/spectrum/v",
                              "/measure/w/step",
                              "/measure/w/entropy",
                              "/a/a/a/a/a/a/a/a/a/a/a/step",
                              "/",
                              "/measure/v"};
constexpr std::array names = {"sha256", "schema_version", "shape",    "source",
                              "units",  "long_name",      "compiler", "x"};

/// Closes whatever it holds when it goes; an identifier below 0 is a call that HDF5 refused.
struct Id {
  hid_t id;
  herr_t (*close)(hid_t);
  Id(hid_t made, herr_t (*closes)(hid_t)) : id(made), close(closes) {}
  Id(const Id&) = delete;
  Id& operator=(const Id&) = delete;
  ~Id() {
    if (id >= 0) close(id);
  }
};

hid_t type_of(unsigned choice) {
  switch (choice % 14) {
    case 0:
      return H5Tcopy(H5T_IEEE_F32LE);
    case 1:
      return H5Tcopy(H5T_IEEE_F64LE);
    case 2:
      return H5Tcopy(H5T_STD_I64LE);
    case 3:
      return H5Tcopy(H5T_STD_U64BE);
    case 4:
      return H5Tcopy(H5T_STD_I8LE);
    case 5: {
      const hid_t text = H5Tcopy(H5T_C_S1);
      H5Tset_size(text, 5);
      return text;
    }
    case 6: {
      const hid_t text = H5Tcopy(H5T_C_S1);
      H5Tset_size(text, H5T_VARIABLE);
      H5Tset_cset(text, H5T_CSET_UTF8);
      return text;
    }
    case 7: {
      const hid_t compound = H5Tcreate(H5T_COMPOUND, 8);
      H5Tinsert(compound, "x", 0, H5T_STD_I64LE);
      return compound;
    }
    case 8:
      return H5Tenum_create(H5T_STD_I8LE);
    case 9:
      return H5Tcopy(H5T_STD_REF_OBJ);
    case 10:
      return H5Tvlen_create(H5T_IEEE_F64LE);
    case 11: {
      const hsize_t three = 3;
      return H5Tarray_create2(H5T_IEEE_F64LE, 1, &three);
    }
    case 12:
      return H5Tcreate(H5T_OPAQUE, 4);
    default: {
      const hid_t half = H5Tcopy(H5T_IEEE_F32LE);
      H5Tset_fields(half, 15, 10, 5, 0, 10);
      H5Tset_size(half, 2);
      H5Tset_ebias(half, 15);
      return half;
    }
  }
}

hid_t space_of(unsigned choice) {
  const hsize_t n = choice / 8, many = hsize_t{1} << n;
  const std::array<hsize_t, 3> sizes = {n, 2, hsize_t{1} << 40};
  switch (choice % 8) {
    case 0:
      return H5Screate(H5S_SCALAR);
    case 1:
      return H5Screate(H5S_NULL);
    case 2:
      return H5Screate_simple(3, sizes.data(), nullptr);
    case 3:
      return H5Screate_simple(2, sizes.data() + 1, nullptr);
    case 4:
      return H5Screate_simple(2, sizes.data(), nullptr);
    case 5:
      return H5Screate_simple(1, &many, nullptr);
    default:
      return H5Screate_simple(1, sizes.data(), nullptr);
  }
}

bool small(hid_t space) {
  const hssize_t count = H5Sget_simple_extent_npoints(space);
  return count >= 0 && count < 4096;
}

/// A buffer that any of the types above may be written from: zeros are null texts and empty lists as well.
std::vector<char> buffer_of(hid_t type, hid_t space, unsigned fill) {
  const auto bytes = static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)) * H5Tget_size(type);
  const bool pointers =
      H5Tis_variable_str(type) > 0 || H5Tget_class(type) == H5T_VLEN || H5Tget_class(type) == H5T_REFERENCE;
  return std::vector<char>(bytes, pointers ? '\0' : static_cast<char>(fill));
}

void add_dataset(hid_t file, const char* path, unsigned what, unsigned shape) {
  const Id type(type_of(what), H5Tclose), space(space_of(shape), H5Sclose);
  const Id links(H5Pcreate(H5P_LINK_CREATE), H5Pclose), creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  H5Pset_create_intermediate_group(links.id, 1);
  std::array<hsize_t, 3> chunk = {1, 2, 64};
  const int rank = H5Sget_simple_extent_ndims(space.id);
  if (rank > 0 && !small(space.id)) H5Pset_chunk(creation.id, rank, chunk.data());
  const Id set(H5Dcreate2(file, path, type.id, space.id, links.id, creation.id, H5P_DEFAULT), H5Dclose);
  if (set.id < 0 || !small(space.id)) return;
  if (H5Tis_variable_str(type.id) > 0 && H5Sget_simple_extent_npoints(space.id) == 1 && what >= 128) {
    const char* text = "{}";
    H5Dwrite(set.id, type.id, H5S_ALL, H5S_ALL, H5P_DEFAULT, static_cast<const void*>(&text));
    return;
  }
  const auto buffer = buffer_of(type.id, space.id, what);
  if (!buffer.empty()) H5Dwrite(set.id, type.id, H5S_ALL, H5S_ALL, H5P_DEFAULT, buffer.data());
}

void add_attribute(hid_t file, const char* path, const char* name, unsigned what, unsigned shape) {
  const Id object(H5Oopen(file, path, H5P_DEFAULT), H5Oclose);
  const Id type(type_of(what), H5Tclose), space(space_of(shape), H5Sclose);
  if (object.id < 0 || !small(space.id)) return;
  H5Adelete(object.id, name);
  const Id attribute(H5Acreate2(object.id, name, type.id, space.id, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  if (attribute.id < 0) return;
  const auto buffer = buffer_of(type.id, space.id, what == 2 ? 0 : what);
  if (!buffer.empty()) H5Awrite(attribute.id, type.id, buffer.data());
}

void add_schema_version(hid_t file) {
  const Id space(H5Screate(H5S_SCALAR), H5Sclose);
  const Id attribute(H5Acreate2(file, "schema_version", H5T_STD_I64LE, space.id, H5P_DEFAULT, H5P_DEFAULT),
                     H5Aclose);
  const std::int64_t one = 1;
  H5Awrite(attribute.id, H5T_NATIVE_INT64, &one);
}

void add(hid_t file, unsigned where, unsigned what, unsigned shape) {
  const char* path = paths[where % paths.size()];
  const Id links(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
  H5Pset_create_intermediate_group(links.id, 1);
  switch (where / 16 % 8) {
    case 0:
      if (const Id group(H5Gcreate2(file, path, links.id, H5P_DEFAULT, H5P_DEFAULT), H5Gclose); group.id < 0)
        H5Ldelete(file, path, H5P_DEFAULT);
      return;
    case 1:
      H5Lcreate_soft(paths[what % paths.size()], file, path, links.id, H5P_DEFAULT);
      return;
    case 2:
      H5Lcreate_hard(file, paths[what % paths.size()], file, path, links.id, H5P_DEFAULT);
      return;
    case 3:
    case 4:
      return add_attribute(file, path, names[shape % names.size()], what, shape / 8 * 8);
    case 5:
      return add_attribute(file, path, names[what / 14 % names.size()], what, shape);
    default:
      return add_dataset(file, path, what, shape);
  }
}

std::filesystem::path laid_out(Input input) {
  const std::filesystem::path file = Scratch::folder() / "record.h5";
  {
    const auto held = core::hdf5::alone();
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    const Id made(H5Fcreate(file.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose);
    if (input[0] % 8 != 0) add_schema_version(made.id);
    if (input[0] % 16 > 1) add_dataset(made.id, "/config", 6 + 126, 0);
    for (std::size_t i = 1; i + 2 < input.size() && i < 300; i += 3)
      add(made.id, input[i], input[i + 1], input[i + 2]);
  }
  return sealed_file("record.h5", contents_of(file));
}

/// Values as text, since a number that is none equals nothing.
std::string printed(const core::RunRecord& record) {
  std::string out = record.config + record.config_sha256 + core::Json(record.provenance).dump();
  for (const core::Series& series : record.series)
    for (const core::Column& column : series.columns)
      std::visit(
          [&](const auto& values) {
            out += '\n' + series.path + '/' + column.name + column.unit + column.long_name +
                   core::Json(values).dump();
          },
          column.values);
  for (const core::Spectrum& s : record.spectra)
    out += '\n' + s.parameter + s.source + core::Json{s.steps, s.rank, s.values, s.shape}.dump();
  return out;
}

}  // namespace

void record(Input input) {
  if (input.empty()) return;
  core::RunRecord read;
  const std::filesystem::path file = laid_out(input);
  try {
    read = core::read_run(file);
  } catch (const std::runtime_error&) {
    return;
  }
  for (const core::Series& series : read.series)
    for (const core::Column& column : series.columns)
      claim(column.size() == series.columns[0].size(), "the columns of a series are of one length");
  for (const core::Spectrum& s : read.spectra)
    claim(s.values.size() == s.rank * s.steps.size(), "a spectrum has a rank at every step");
  try {
    core::write_run(file, read);
    read = core::read_run(file);  // texts as they fit, and a digest of the document
    core::write_run(file, read);
  } catch (const std::runtime_error&) {
    return;  // names that this program does not write
  }
  const core::RunRecord again = core::read_run(file);
  claim(printed(again) == printed(read), "a record that is written comes back");
}

}  // namespace isorbit::fuzz
