"""`python -m bizq_lab` is `bizq-lab`."""

from bizq_lab.cli import main

if __name__ == "__main__":
    main()
