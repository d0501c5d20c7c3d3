// @ts-check
/** Defined terms of DICOM that results may repeat, as on the server (chalicelib/imaging/dicom/defined_terms.py). Any other text could be a name. */

/** @param {string} terms */
const set = (terms) => new Set(terms.split(" "));

export const MODALITIES = set(
  "ANN AR ASMT AU BDUS BI BMD CFM CR CT CTPROTOCOL DG DMS DOC DX ECG EEG EMG EOG EPS ES FID GM HC HD IO IOL IVOCT IVUS KER KO LEN " +
    "LS M3D MG MR NM OAM OCT OP OPM OPT OPTBSV OPTENF OPV OSS OT PA PLAN POS PR PT PX REG RESP RF RG RTDOSE RTIMAGE RTINTENT RTPLAN " +
    "RTRAD RTRECORD RTSEGANN RTSTRUCT RWV SEG SM SMR SR SRF STAIN TEXTUREMAP TG US VA XA XAPROTOCOL XC",
);

export const LATERALITIES = set("L R U B");

export const VIEW_POSITIONS = set("AP PA LL RL RLD LLD RLO LLO CC ML MLO LM LMO FB SIO ISO XCC XCCL XCCM");
