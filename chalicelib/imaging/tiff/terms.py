"""Values of TIFF tags: the supported ones, and the names of the others."""

NONE, LZW, JPEG, DEFLATE, OLD_DEFLATE, PACKBITS, LZMA, ZSTD = 1, 5, 7, 8, 32946, 32773, 34925, 50000
COMPRESSIONS = {NONE, LZW, JPEG, DEFLATE, OLD_DEFLATE, PACKBITS, LZMA, ZSTD}
WITH_PREDICTOR = {LZW, DEFLATE, OLD_DEFLATE, LZMA, ZSTD}
"""Compressions with a predictor; with the others, the tag has no meaning."""
UNSUPPORTED_COMPRESSIONS = {
    2: "CCITT modified Huffman",
    3: "CCITT Group 3 fax",
    4: "CCITT Group 4 fax",
    6: "the obsolete JPEG of TIFF 6.0",
    9: "JBIG",
    10: "JBIG",
    22610: "JPEG XR",
    32766: "NeXT",
    32771: "CCITT modified Huffman",
    32809: "ThunderScan",
    33003: "JPEG 2000",
    33004: "JPEG 2000",
    33005: "JPEG 2000",
    34661: "JBIG",
    34676: "SGI LogLuv",
    34677: "SGI LogLuv",
    34712: "JPEG 2000",
    34887: "LERC",
    34892: "lossy JPEG of DNG",
    34933: "PNG",
    34934: "JPEG XR",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR = 0, 1, 2, 3, 5, 6
COLOURS = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1, CMYK: 4, YCBCR: 3}
"""Samples per pixel without ExtraSamples."""
UNSUPPORTED_COLOURS = {
    4: "a transparency mask",
    8: "CIELab",
    9: "ICCLab",
    10: "ITULab",
    32803: "a colour filter array",
    32844: "LogL",
    32845: "LogLuv",
    34892: "linear raw data",
    51177: "a depth map",
}

UNSIGNED, SIGNED, FLOAT = 1, 2, 3
BITS = {UNSIGNED: {*range(1, 17), 32}, SIGNED: {8, 16, 32}, FLOAT: {16, 32, 64}}
FORMATS = {
    UNSIGNED: "unsigned integers",
    SIGNED: "signed integers",
    FLOAT: "floating-point numbers",
    4: "undefined",
    5: "complex integers",
    6: "complex numbers",
}

ASSOCIATED, UNASSOCIATED = 1, 2
"""Values of ExtraSamples: premultiplied alpha and straight alpha."""
