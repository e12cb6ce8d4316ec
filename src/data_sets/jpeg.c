// Decodes a JPEG in memory with libjpeg-turbo's decompressor. Its errors come back as messages: they leave the library by
// `longjmp`, over frames of C alone.

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// For the inverse transform, which is checked: see `checked_transform`.
#define JPEG_INTERNALS
#include <jpeglib.h>

#include <jerror.h>

// The most scans: a file of a few bytes a scan would else keep a processor busy for minutes. Encoders write about ten.
#define MOST_SCANS 500

// How far a sample may be from the middle, 128, before it is cut off at 0 and 255. What an encoder has rounded stays well
// within; from 512 on the library's answer is another one with vector instructions than without.
#define FARTHEST 500

// What `densenet_bench_jpeg_header` finds; laid out as `Header` in jpeg.rs.
struct header {
  uint32_t width;
  uint32_t height;
  uint32_t components;
  // What the library holds until the last scan is read, in bytes: the coefficients, where there are several scans.
  uint64_t coefficients;
};

// The pixels that are wanted, of the image at the size to which it is decoded; laid out as `Part` in jpeg.rs.
struct part {
  uint32_t left;
  uint32_t top;
  uint32_t width;
  uint32_t height;
};

// Pixels around a part that are decoded with it: at the edge of what is decoded, a colour's samples are spread without those
// beyond.
#define MARGIN 16

// Of fewer columns the library may spread a colour's samples in another way.
#define FEWEST_COLUMNS 64

struct decoder {
  struct jpeg_decompress_struct jpeg;
  struct jpeg_error_mgr errors;
  struct jpeg_source_mgr source;
  struct jpeg_progress_mgr progress;
  // The library's own transform of each component.
  inverse_DCT_method_ptr transforms[MAX_COMPONENTS];
  jmp_buf failed;
  // Eighths of the image's own size to which its pixels are decoded, 1 to 8.
  unsigned eighths;
  // Of `room` bytes.
  char *message;
  size_t room;
};

static void fail(struct decoder *decoder, const char *message) {
  snprintf(decoder->message, decoder->room, "%s", message);
  longjmp(decoder->failed, 1);
}

static void on_error(j_common_ptr jpeg) {
  char message[JMSG_LENGTH_MAX];
  jpeg->err->format_message(jpeg, message);
  fail(jpeg->client_data, message);
}

// A warning (level -1) that samples are missing or wrong is an error: the library would fill them in. The others, such as
// for bytes between two segments, leave every sample as it was written.
static void on_message(j_common_ptr jpeg, int level) {
  if (level >= 0) return;
  switch (jpeg->err->msg_code) {
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
      on_error(jpeg);
  }
}

static void on_progress(j_common_ptr jpeg) {
  if (jpeg->is_decompressor && ((j_decompress_ptr)jpeg)->input_scan_number > MOST_SCANS)
    fail(jpeg->client_data, "it has more than 500 scans");
}

static void on_start_or_end(j_decompress_ptr jpeg) { (void)jpeg; }

static boolean on_empty(j_decompress_ptr jpeg) {
  fail(jpeg->client_data, "it ends before the end-of-image marker");
  return FALSE;
}

static void on_skip(j_decompress_ptr jpeg, long count) {
  if (count <= 0) return;
  if ((size_t)count > jpeg->src->bytes_in_buffer) on_empty(jpeg);
  jpeg->src->next_input_byte += count;
  jpeg->src->bytes_in_buffer -= (size_t)count;
}

// After it the caller owes a `jpeg_destroy_decompress`, whether it succeeded or not. Called below `setjmp`.
static void start(struct decoder *decoder, const uint8_t *bytes, size_t length) {
  j_decompress_ptr jpeg = &decoder->jpeg;
  jpeg_create_decompress(jpeg);
  jpeg->progress = &decoder->progress;
  decoder->progress.progress_monitor = on_progress;
  jpeg->src = &decoder->source;
  decoder->source.init_source = on_start_or_end;
  decoder->source.fill_input_buffer = on_empty;
  decoder->source.skip_input_data = on_skip;
  decoder->source.resync_to_restart = jpeg_resync_to_restart;
  decoder->source.term_source = on_start_or_end;
  decoder->source.next_input_byte = bytes;
  decoder->source.bytes_in_buffer = length;
  jpeg_read_header(jpeg, TRUE);
}

static uint64_t rounded_up(uint64_t value, uint64_t unit) { return (value + unit - 1) / unit * unit; }

static void read_header(struct decoder *decoder, struct header *header) {
  j_decompress_ptr jpeg = &decoder->jpeg;
  header->width = jpeg->image_width;
  header->height = jpeg->image_height;
  header->components = (uint32_t)jpeg->num_components;
  header->coefficients = 0;
  if (!jpeg_has_multiple_scans(jpeg)) return;
  for (int index = 0; index < jpeg->num_components; index++) {
    const jpeg_component_info *component = &jpeg->comp_info[index];
    header->coefficients += rounded_up(component->width_in_blocks, (uint64_t)component->h_samp_factor) *
                            rounded_up(component->height_in_blocks, (uint64_t)component->v_samp_factor) * sizeof(JBLOCK);
  }
}

// The largest of the samples' distances from the middle: the inverse transform of T.81 (A.3.3) without its rounding.
static double farthest(const JCOEF *block, const UINT16 *quantization) {
  // C(u) / 2 cos((2 x + 1) u pi / 16) for the first four x; for 7 - x the odd ones change sign.
  static const double BASIS[4][DCTSIZE] = {
      {0.35355339059, 0.49039264020, 0.46193976626, 0.41573480615, 0.35355339059, 0.27778511651, 0.19134171618, 0.09754516101},
      {0.35355339059, 0.41573480615, 0.19134171618, -0.09754516101, -0.35355339059, -0.49039264020, -0.46193976626,
       -0.27778511651},
      {0.35355339059, 0.27778511651, -0.19134171618, -0.49039264020, -0.35355339059, 0.09754516101, 0.46193976626,
       0.41573480615},
      {0.35355339059, 0.09754516101, -0.46193976626, -0.27778511651, 0.35355339059, 0.41573480615, -0.19134171618,
       -0.49039264020},
  };
  double rows[DCTSIZE][DCTSIZE], largest = 0;
  for (int v = 0; v < DCTSIZE; v++) {
    for (int x = 0; x < 4; x++) {
      double even = 0, odd = 0;
      for (int u = 0; u < DCTSIZE; u += 2) {
        even += BASIS[x][u] * block[v * DCTSIZE + u] * quantization[v * DCTSIZE + u];
        odd += BASIS[x][u + 1] * block[v * DCTSIZE + u + 1] * quantization[v * DCTSIZE + u + 1];
      }
      rows[v][x] = even + odd;
      rows[v][7 - x] = even - odd;
    }
  }
  for (int x = 0; x < DCTSIZE; x++) {
    for (int y = 0; y < 4; y++) {
      double even = 0, odd = 0;
      for (int v = 0; v < DCTSIZE; v += 2) {
        even += BASIS[y][v] * rows[v][x];
        odd += BASIS[y][v + 1] * rows[v + 1][x];
      }
      // The larger of the distances of two samples, y and 7 - y.
      double here = (even < 0 ? -even : even) + (odd < 0 ? -odd : odd);
      if (here > largest) largest = here;
    }
  }
  return largest;
}

// Whether no sample is too far from the middle, as a cheap bound on their distance says: the coefficients' magnitudes,
// each times the largest value of its basis function.
static int is_surely_near(const JCOEF *block, const UINT16 *quantization) {
  uint32_t sum = 0, magnitudes = 0, steps = 0;
  for (int index = 0; index < DCTSIZE2; index++) {
    int16_t magnitude = (int16_t)(block[index] < 0 ? -block[index] : block[index]);
    magnitudes |= (uint16_t)magnitude;
    steps |= quantization[index];
    sum += (uint32_t)(magnitude * (int16_t)quantization[index]);
  }
  // Below these the sum has not overflowed.
  if (magnitudes >= 1 << 11 || steps >= 1 << 14) return 0;
  uint32_t first = (uint32_t)(block[0] < 0 ? -block[0] : block[0]) * quantization[0];
  return (sum - first) / 4 + first / 8 + 2 <= FARTHEST;
}

// The library's transform, of blocks that a picture can have. Damaged data that decode without a warning mostly do not.
static void checked_transform(j_decompress_ptr jpeg, jpeg_component_info *component, JCOEFPTR block, JSAMPARRAY output,
                              JDIMENSION column) {
  struct decoder *decoder = jpeg->client_data;
  // A component without a scan has no table; its samples are all in the middle.
  const UINT16 *quantization = component->quant_table ? component->quant_table->quantval : NULL;
  if (quantization && !is_surely_near(block, quantization) && farthest(block, quantization) > FARTHEST)
    fail(decoder, "its data are damaged: samples are far outside of 0 to 255");
  decoder->transforms[component->component_index](jpeg, component, block, output, column);
}

// Whether the library's ways to leave out columns and rows are taken: for the samplings that pictures have.
static int has_usual_sampling(const struct jpeg_decompress_struct *jpeg) {
  if (jpeg->num_components == 1) return jpeg->max_h_samp_factor == 1 && jpeg->max_v_samp_factor == 1;
  return jpeg->num_components == 3 && jpeg->comp_info[0].h_samp_factor == jpeg->max_h_samp_factor &&
         jpeg->comp_info[0].v_samp_factor == jpeg->max_v_samp_factor;
}

// Reads every row. A part's own are copied; of those around it no more is decoded than shows whether the data are damaged.
static void read_rows(j_decompress_ptr jpeg, const struct part *part, uint8_t *pixels) {
  JDIMENSION left = 0, columns = jpeg->output_width;
  JDIMENSION begin = part->left > MARGIN ? part->left - MARGIN : 0;
  JDIMENSION end = part->left + part->width + MARGIN;
  if (end > jpeg->output_width) end = jpeg->output_width;
  int leaves_out = has_usual_sampling(jpeg);
  if (leaves_out && end - begin >= FEWEST_COLUMNS && end - begin < jpeg->output_width) {
    left = begin;
    columns = end - begin;
    // Moves the left side to where blocks begin.
    jpeg_crop_scanline(jpeg, &left, &columns);
  }
  size_t pixel = (size_t)jpeg->output_components, row = part->width * pixel;
  JSAMPARRAY line = (*jpeg->mem->alloc_sarray)((j_common_ptr)jpeg, JPOOL_IMAGE, (JDIMENSION)(columns * pixel), 1);
  if (leaves_out && part->top > MARGIN) jpeg_skip_scanlines(jpeg, part->top - MARGIN);
  while (jpeg->output_scanline < part->top + part->height) {
    JDIMENSION here = jpeg->output_scanline;
    jpeg_read_scanlines(jpeg, line, 1);
    if (here >= part->top) memcpy(pixels + row * (here - part->top), line[0] + pixel * (part->left - left), row);
  }
  // To skip the last row too would leave the rest of the data unread.
  JDIMENSION below = jpeg->output_height - jpeg->output_scanline;
  if (leaves_out && below > 1) jpeg_skip_scanlines(jpeg, below - 1);
  while (jpeg->output_scanline < jpeg->output_height) jpeg_read_scanlines(jpeg, line, 1);
}

static void read_pixels(struct decoder *decoder, const struct part *part, uint8_t *pixels, size_t size) {
  j_decompress_ptr jpeg = &decoder->jpeg;
  jpeg->out_color_space = jpeg->num_components == 4 ? JCS_CMYK : JCS_RGB;
  // Below 8 the inverse transform makes fewer samples of each block: the picture as it is at a lower resolution.
  jpeg->scale_num = decoder->eighths;
  jpeg->scale_denom = DCTSIZE;
  jpeg->dct_method = JDCT_ISLOW;
  jpeg->do_fancy_upsampling = TRUE;
  jpeg->do_block_smoothing = TRUE;
  jpeg_start_decompress(jpeg);
  size_t row = (size_t)part->width * (size_t)jpeg->output_components;
  if ((size_t)part->left + part->width > jpeg->output_width || (size_t)part->top + part->height > jpeg->output_height ||
      size != row * part->height)
    fail(decoder, "its two readings differ in size");
  for (int index = 0; index < jpeg->num_components; index++) {
    decoder->transforms[index] = jpeg->idct->inverse_DCT[index];
    jpeg->idct->inverse_DCT[index] = checked_transform;
  }
  if (part->width == jpeg->output_width && part->height == jpeg->output_height) {
    while (jpeg->output_scanline < jpeg->output_height) {
      JSAMPROW next = pixels + row * jpeg->output_scanline;
      jpeg_read_scanlines(jpeg, &next, 1);
    }
  } else {
    read_rows(jpeg, part, pixels);
  }
  jpeg_finish_decompress(jpeg);
}

// Where `header` is NULL, the pixels are read. Nothing in this frame changes between `setjmp` and `longjmp`.
static int decoded(struct decoder *decoder, const uint8_t *bytes, size_t length, struct header *header,
                   const struct part *part, uint8_t *pixels, size_t size) {
  if (setjmp(decoder->failed)) return 0;
  start(decoder, bytes, length);
  if (header)
    read_header(decoder, header);
  else
    read_pixels(decoder, part, pixels, size);
  return 1;
}

static int run(const uint8_t *bytes, size_t length, struct header *header, unsigned eighths, const struct part *part,
               uint8_t *pixels, size_t size, char *message, size_t room) {
  struct decoder decoder;
  memset(&decoder, 0, sizeof decoder);
  decoder.eighths = eighths;
  decoder.message = message;
  decoder.room = room;
  decoder.jpeg.err = jpeg_std_error(&decoder.errors);
  decoder.jpeg.client_data = &decoder;
  decoder.errors.error_exit = on_error;
  decoder.errors.emit_message = on_message;
  int succeeded = decoded(&decoder, bytes, length, header, part, pixels, size);
  jpeg_destroy_decompress(&decoder.jpeg);
  return succeeded;
}

// Reads the segments up to the first scan into `header` and returns 1; else 0, and `message`, of `room` bytes, says why.
int densenet_bench_jpeg_header(const uint8_t *bytes, size_t length, struct header *header, char *message, size_t room) {
  return run(bytes, length, header, DCTSIZE, NULL, NULL, 0, message, room);
}

// Writes the `size` bytes of a part, row by row, and returns 1: red, green and blue of each pixel, or cyan, magenta, yellow and
// black as they are stored where there are four components. The whole has `eighths` eighths, 1 to 8, of the image's pixels on
// each side, rounded up. Else it returns 0, `message` says why, and what is in `pixels` is nothing.
int densenet_bench_jpeg_pixels(const uint8_t *bytes, size_t length, unsigned eighths, const struct part *part,
                               uint8_t *pixels, size_t size, char *message, size_t room) {
  return run(bytes, length, NULL, eighths, part, pixels, size, message, room);
}
